package blob

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"
)

// S3 says how buckets are reached and how objects are kept in them: the section s3 of the configuration. Its zero value is
// Amazon S3 with region and credentials from the environment, the shared configuration files or the machine's role, in the
// order of the AWS SDK.
type S3 struct {
	Region      string     `yaml:"region"`       // "" is what the environment or the profile says
	Endpoint    string     `yaml:"endpoint"`     // URL of a compatible store; "" is Amazon S3
	PathStyle   bool       `yaml:"path_style"`   // https://endpoint/bucket/key instead of https://bucket.endpoint/key
	Profile     string     `yaml:"profile"`      // of the shared configuration files; it may assume a role
	BucketOwner string     `yaml:"bucket_owner"` // account of 12 digits that must own the buckets; "" is any
	SSE         string     `yaml:"sse"`          // AES256 or aws:kms; "" is what the bucket does by itself
	KMSKey      string     `yaml:"kms_key"`      // with aws:kms; "" is the account's key for S3
	ObjectLock  ObjectLock `yaml:"object_lock"`
}

// ObjectLock says how long the store itself keeps a new object from being deleted.
type ObjectLock struct {
	Mode string `yaml:"mode"` // none, governance or compliance; "" is none
	Days int    `yaml:"days"`
}

// Wanted reports whether objects are locked.
func (l ObjectLock) Wanted() bool { return l.Mode != "" && l.Mode != "none" }

var (
	regionName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	accountID  = regexp.MustCompile(`^[0-9]{12}$`)
	keyARN     = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)
)

// Check reports everything that is wrong with the section. The key is relative to it.
func (s S3) Check(report func(key, reason, hint string)) {
	if s.Region != "" && !regionName.MatchString(s.Region) {
		report("region", fmt.Sprintf("%q is no region", s.Region), "a name such as eu-central-1")
	}
	if reason, hint := endpointFault(s.Endpoint); reason != "" {
		report("endpoint", reason, hint)
	}
	if s.BucketOwner != "" && !accountID.MatchString(s.BucketOwner) {
		report("bucket_owner", fmt.Sprintf("%q is no account", s.BucketOwner), "12 digits, quoted")
	}
	s.checkEncryption(report)
	switch lock := s.ObjectLock; lock.Mode {
	case "", "none":
		if lock.Days != 0 {
			report("object_lock.days", "has no effect without a mode", "mode: governance or compliance")
		}
	case "governance", "compliance":
		if lock.Days < 1 || lock.Days > 36500 {
			report("object_lock.days", fmt.Sprintf("%d is out of range", lock.Days), "1 to 36500 days")
		}
	default:
		report("object_lock.mode", fmt.Sprintf("%q is not known", lock.Mode), "none, governance or compliance")
	}
}

func (s S3) checkEncryption(report func(key, reason, hint string)) {
	switch s.SSE {
	case "", string(types.ServerSideEncryptionAes256):
		if s.KMSKey != "" {
			report("kms_key", "has no effect without sse: aws:kms", "sse: aws:kms")
		}
	case string(types.ServerSideEncryptionAwsKms):
		if s.KMSKey != "" && s.Endpoint == "" && !keyARN.MatchString(s.KMSKey) {
			report("kms_key", fmt.Sprintf("%q is no ARN of a key", s.KMSKey), "arn:aws:kms:REGION:ACCOUNT:key/ID, as aws kms describe-key shows it")
		}
	default:
		report("sse", fmt.Sprintf("%q is not known", s.SSE), "AES256 or aws:kms; leave it out for what the bucket does by itself")
	}
}

// endpointFault says what is wrong with the URL of a store.
func endpointFault(endpoint string) (reason, hint string) {
	if endpoint == "" {
		return "", ""
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "is no URL of a store", "https://s3.example.com"
	case u.User != nil:
		return "holds credentials", "they come from the environment, a profile or the machine's role"
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "is more than the address of a store", "bucket and prefix stand in the location: s3://BUCKET/PREFIX"
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "is plain http to another machine", "https; http is for this machine only"
	}
	return "", ""
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && address.IsLoopback()
}

// openBucket returns the bucket of a location. Nothing is sent yet. The functions may change the client, for tests.
func openBucket(ctx context.Context, at place, o Options, change ...func(*s3.Options)) (*Bucket, error) {
	b := &Bucket{section: o.S3, name: at.bucket, prefix: at.prefix, now: o.Now}
	if o.S3.ObjectLock.Wanted() && o.Now == nil {
		return nil, &Error{Place: b.String(), Reason: "cannot lock objects without a clock"}
	}
	settings, err := loadSettings(ctx, o.S3)
	if err != nil {
		return nil, b.unsettled(err)
	}
	if settings.Region == "" && o.S3.Endpoint == "" {
		return nil, &Error{Place: b.String(), Reason: "is in no region", Hint: "set s3.region, or AWS_REGION, or region in the profile"}
	}
	if settings.Region == "" {
		settings.Region = "us-east-1" // compatible stores that know no regions go by this one
	}
	b.region, b.credentials = settings.Region, identity{settings.Credentials}
	settings.Credentials = b.credentials
	b.client = s3.NewFromConfig(settings, append([]func(*s3.Options){func(c *s3.Options) {
		c.UsePathStyle = o.S3.PathStyle
		if o.S3.Endpoint != "" {
			c.BaseEndpoint = aws.String(o.S3.Endpoint)
		}
		c.Retryer = patience(20 * time.Second)
		// A wrong clock is told, not worked around: as-of dates and retention come from it too.
		c.DisableClockSkewCorrection = true
	}}, change...)...)
	return b, nil
}

// patience retries what may pass, with growing random pauses of up to longest: no answer, 5xx, throttling, and the 409
// by which S3 says that two conditional puts met. It is safe because puts only create: one that meets its own earlier
// success is told that the object exists, and compares it.
func patience(longest time.Duration) aws.Retryer {
	standard := retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 6, longest })
	return retry.AddWithErrorCodes(standard, "ConditionalRequestConflict", "OperationAborted")
}

// loadSettings reads what the SDK takes from environment and files. Checksums are named by us; the SDK's own ones come as
// trailers that compatible stores refuse.
func loadSettings(ctx context.Context, s S3) (aws.Config, error) {
	client := awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = 10 * time.Second }).
		WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = time.Minute })
	options := []func(*config.LoadOptions) error{config.WithHTTPClient(client), config.WithLogger(logging.Nop{}),
		config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired)}
	if s.Region != "" {
		options = append(options, config.WithRegion(s.Region))
	}
	if s.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(s.Profile))
	}
	return config.LoadDefaultConfig(ctx, options...)
}

// unsettled explains why the SDK's settings cannot be read.
func (b *Bucket) unsettled(err error) error {
	hint := "look at ~/.aws/config, ~/.aws/credentials and the AWS_ variables of the environment"
	if missing, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		return &Error{Place: b.String(), Reason: fmt.Sprintf("is to be reached with profile %q, which does not exist", missing.Profile), Hint: hint}
	}
	return &Error{Place: b.String(), Reason: "cannot be reached with these AWS settings", Err: err, Hint: hint}
}

// identity marks the errors of finding credentials, so that they can be told from those of the store.
type identity struct{ aws.CredentialsProvider }

// Retrieve implements [aws.CredentialsProvider].
func (i identity) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if i.CredentialsProvider == nil {
		return aws.Credentials{}, &identityError{errors.New("none are configured")}
	}
	c, err := i.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return c, &identityError{err}
	}
	return c, nil
}

type identityError struct{ err error }

func (e *identityError) Error() string { return e.err.Error() }
func (e *identityError) Unwrap() error { return e.err }
