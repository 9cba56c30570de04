package blob

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// code is the error code of a store's answer, or "" if there was none (Amazon S3 API Reference, "Error responses").
func code(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode()
	}
	return ""
}

// answerError is an answer that is an error, in a few words; the SDK's own go over several lines.
type answerError struct {
	err  error
	text string
}

func (e *answerError) Error() string { return e.text }
func (e *answerError) Unwrap() error { return e.err }

// brief makes an [answerError] of what the SDK says.
func brief(err error) error {
	text := strings.TrimSpace(fmt.Sprintf("%d %s", status(err), code(err)))
	if answer, ok := errors.AsType[smithy.APIError](err); ok && answer.ErrorMessage() != "" {
		text += ": " + plain(answer.ErrorMessage())
	}
	if header := headerOf(err); header.Get("X-Amz-Request-Id") != "" {
		text += " (request " + plain(header.Get("X-Amz-Request-Id")) + ")"
	}
	return &answerError{err, text}
}

// plain is text from outside, bounded and without anything that means something to a terminal.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return ' '
		}
		return r
	}, text)
	const most = 400
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.TrimSpace(text)
}

func headerOf(err error) http.Header {
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answer.Response != nil && answer.Response.Response != nil {
		return answer.Response.Header
	}
	return nil
}

// explain turns what the SDK says of a request into an [*Error] that says what to do. action is what IAM calls the
// request; key, which may be a prefix, is what it was about.
func (b *Bucket) explain(ctx context.Context, action, key string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", b.at(key), ctx.Err())
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if missing, ok := errors.AsType[*identityError](err); ok {
		return b.anonymous(missing.err)
	}
	if status(err) == 0 {
		return b.silent(err)
	}
	switch code(err) {
	case "NoSuchKey", "NotFound":
		return fmt.Errorf("%s: %w", b.at(key), fs.ErrNotExist)
	case "AccessDenied", "Forbidden", "AllAccessDisabled", "AccessDeniedException":
		return b.denied(action, key, err)
	}
	fault := b.fault(err)
	fault.Err = brief(err)
	if fault.Place == "" {
		fault.Place = b.String()
	}
	return fault
}

// fault says what an error code means, if it is one that a person can do something about.
func (b *Bucket) fault(err error) *Error {
	switch name := code(err); {
	case name == "NoSuchBucket":
		return &Error{Reason: "is in a bucket that does not exist", Hint: "mend the name, or create the bucket (docs/operations.md)"}
	case name == "PermanentRedirect", name == "AuthorizationHeaderMalformed", name == "MovedPermanently", name == "IllegalLocationConstraintException",
		status(err) == http.StatusMovedPermanently:
		return b.elsewhere(err)
	case name == "RequestTimeTooSkewed":
		return &Error{Reason: "refuses requests because the clock of this machine is " + skewOf(err), Hint: "set the clock, and let NTP keep it: dates of plans and retention come from it too"}
	case name == "ExpiredToken", name == "ExpiredTokenException", name == "TokenRefreshRequired", name == "RequestExpired":
		return &Error{Reason: "refuses the credentials because they have expired", Hint: "renew them (aws sso login, or new AWS_ variables); a role renews itself"}
	case name == "InvalidAccessKeyId", name == "InvalidToken", name == "InvalidClientTokenId":
		return &Error{Reason: "does not know the access key", Hint: "check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, or s3.profile; keys of one store are unknown to another (s3.endpoint)"}
	case name == "SignatureDoesNotMatch":
		return &Error{Reason: "refuses the signature", Hint: "the secret access key is not that of the access key, or a proxy changes requests"}
	case strings.HasPrefix(name, "KMS"):
		return &Error{Reason: "cannot use the key " + b.kmsKey(), Hint: "s3.kms_key must name an enabled key of the bucket's region"}
	case strings.HasPrefix(name, "ObjectLockConfigurationNotFound"), name == "InvalidRequest" && strings.Contains(err.Error(), "Object Lock"):
		return b.lockless()
	case name == "BadDigest", name == "XAmzContentSHA256Mismatch", name == "XAmzContentChecksumMismatch":
		return &Error{Reason: "received other bytes than were sent", Hint: "something between here and the store changes requests, or the file changed meanwhile"}
	case name == "NotImplemented":
		return &Error{Reason: "does not know a part of the protocol that trueup needs", Hint: "the store must know If-None-Match and SHA-256 checksums (docs/operations.md)"}
	case name == "ConditionalRequestConflict", name == "OperationAborted":
		return &Error{Reason: "was being written by others every time", Hint: "run again; only one process should write here"}
	case status(err) >= http.StatusInternalServerError, name == "SlowDown", name == "RequestTimeout":
		return &Error{Reason: "cannot do it now", Hint: "run again later; several tries were made"}
	case name == "":
		return &Error{Reason: "does not answer as a store does", Hint: "check s3.endpoint; a proxy or a portal may stand between"}
	}
	return &Error{Reason: "refuses"}
}

func (b *Bucket) kmsKey() string {
	if b.section.KMSKey == "" {
		return "that encrypts it"
	}
	return b.section.KMSKey
}

var (
	deniedAction = regexp.MustCompile(`not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)`)
	expecting    = regexp.MustCompile(`expecting '([a-z0-9-]+)'`)
)

// denied names the action that IAM does not allow: the one that the answer names, else the one that was asked for.
func (b *Bucket) denied(action, key string, err error) error {
	resource := b.ARN()
	if strings.Contains(action, "Object") && !strings.Contains(action, "Bucket") {
		resource += "/" + b.prefix + key
	}
	if named := deniedAction.FindStringSubmatch(err.Error()); named != nil {
		action = named[1]
	}
	if strings.HasPrefix(action, "kms:") {
		resource = b.kmsKey()
	}
	hint := "trueup aws-policy prints what the identity needs; a bucket policy or the organisation may also forbid it"
	if action == "s3:GetObject" {
		hint += "; an object that is not there is answered so too"
	}
	if b.section.BucketOwner != "" {
		hint += "; so is a bucket that account " + b.section.BucketOwner + " does not own (s3.bucket_owner)"
	}
	return &Error{Place: b.String(), Reason: fmt.Sprintf("does not allow %s on %s", action, resource), Err: brief(err), Hint: hint}
}

// elsewhere says in which region the bucket is, where the answer tells.
func (b *Bucket) elsewhere(err error) *Error {
	region := headerOf(err).Get("X-Amz-Bucket-Region")
	if found := expecting.FindStringSubmatch(err.Error()); region == "" && found != nil {
		region = found[1]
	}
	if region = plain(region); region == "" {
		return &Error{Reason: "is not in region " + b.region, Hint: "set s3.region to the bucket's region: aws s3api get-bucket-location"}
	}
	return &Error{Reason: fmt.Sprintf("is in region %s, not %s", region, b.region), Hint: "set s3.region to " + region}
}

// skewOf compares the time at which the request was signed with the answer's (RFC 9110 section 6.6.1).
func skewOf(err error) string {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || answer.Response.Request == nil {
		return "wrong"
	}
	theirs, err := http.ParseTime(answer.Response.Header.Get("Date"))
	ours, signed := time.Parse("20060102T150405Z", answer.Response.Request.Header.Get("X-Amz-Date"))
	if err != nil || signed != nil {
		return "wrong"
	}
	if ours.After(theirs) {
		return ours.Sub(theirs).String() + " ahead"
	}
	return theirs.Sub(ours).String() + " behind"
}

// anonymous says that no credentials were found, or none that work.
func (b *Bucket) anonymous(err error) error {
	fault := &Error{Place: b.String(), Reason: "cannot be reached without credentials", Err: &answerError{err, plain(err.Error())},
		Hint: "set s3.profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role"}
	switch {
	case code(err) == "AccessDenied":
		fault.Reason = "cannot be reached: the role of the profile is refused"
		fault.Hint = "allow sts:AssumeRole on the role to the profile's source_profile, and name that one in the role's trust policy"
	case strings.Contains(strings.ToLower(err.Error()), "expired"):
		fault.Reason, fault.Hint = "cannot be reached with credentials that have expired", "renew them: aws sso login"
	}
	return fault
}

// silent says why there was no answer at all.
func (b *Bucket) silent(err error) error {
	fault := &Error{Place: b.String(), Reason: "does not answer", Err: err, Hint: "check s3.endpoint and s3.region, and that this machine may reach it"}
	if resolve, ok := errors.AsType[*net.DNSError](err); ok {
		fault.Reason, fault.Err = "has an address that cannot be found", resolve
	} else if certificate := certificateFault(err); certificate != nil {
		fault.Reason, fault.Err = "cannot be trusted", certificate
		fault.Hint = "AWS_CA_BUNDLE names a file with the certificates to trust; the name in s3.endpoint must be that of the certificate"
	} else if dial, ok := errors.AsType[*net.OpError](err); ok {
		fault.Err = dial
	} else if request, ok := errors.AsType[*url.Error](err); ok {
		fault.Err = request.Err
	}
	return fault
}

// certificateFault returns the fault of TLS in a chain of errors, or nil.
func certificateFault(err error) error {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e
	}
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return e
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return e
	}
	if e, ok := errors.AsType[tls.AlertError](err); ok {
		return e
	}
	return nil
}
