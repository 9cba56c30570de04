package blob

import (
	"slices"
	"strconv"
	"strings"
)

// Policy is a policy document of AWS IAM (IAM User Guide, "Grammar of the IAM JSON policy language").
type Policy struct {
	Version   string
	Statement []Statement
}

// Statement is one of a policy's.
type Statement struct {
	Sid       string
	Effect    string
	Principal string `json:",omitempty"` // in bucket policies only
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string `json:",omitempty"`
}

const policyVersion = "2012-10-17"

// Use is what an identity does with a bucket.
type Use int

const (
	// ReadOnly is to list and read, as reports made again from the archive do.
	ReadOnly Use = iota
	// Write is to create objects as well.
	Write
)

// IdentityPolicy is the least that an identity needs for the buckets among the locations, in their order. Nothing in it
// deletes, replaces or shortens a retention. Locations that are no buckets have no part in it.
func IdentityPolicy(section S3, use Use, locations ...string) (Policy, error) {
	policy := Policy{Version: policyVersion}
	for n, name := range Buckets(locations...) {
		suffix := ""
		if n > 0 {
			suffix = strconv.Itoa(n + 1) // a Sid is unique in its policy
		}
		arn := bucketARN(section.Region, name)
		var objects, prefixes []string
		for _, location := range locations {
			at, err := parse(location)
			if err != nil {
				return Policy{}, err
			}
			if at.bucket == name {
				objects = append(objects, arn+"/"+at.prefix+"*")
				prefixes = append(prefixes, at.prefix+"*")
			}
		}
		policy.Statement = append(policy.Statement, onBucket(section, use, suffix, arn, prefixes)...)
		policy.Statement = append(policy.Statement, Statement{Sid: "Objects" + suffix, Effect: "Allow",
			Action: objectActions(section, use), Resource: unique(objects)})
	}
	if len(policy.Statement) > 0 && keyARN.MatchString(section.KMSKey) {
		policy.Statement = append(policy.Statement, onKey(section.KMSKey, use))
	}
	return policy, nil
}

// onKey allows the use of a key by way of S3 only (AWS KMS Developer Guide, "kms:ViaService").
func onKey(arn string, use Use) Statement {
	actions := []string{"kms:Decrypt"}
	if use == Write {
		actions = append(actions, "kms:GenerateDataKey")
	}
	service := "s3." + strings.Split(arn, ":")[3] + ".amazonaws.com"
	if strings.HasPrefix(arn, "arn:aws-cn:") {
		service += ".cn"
	}
	return Statement{Sid: "Key", Effect: "Allow", Action: actions, Resource: []string{arn},
		Condition: map[string]map[string][]string{"StringEquals": {"kms:ViaService": {service}}}}
}

// onBucket allows what is asked of a bucket as a whole.
func onBucket(section S3, use Use, suffix, arn string, prefixes []string) []Statement {
	list := Statement{Sid: "List" + suffix, Effect: "Allow", Action: []string{"s3:ListBucket"}, Resource: []string{arn}}
	if !slices.Contains(prefixes, "*") {
		list.Condition = map[string]map[string][]string{"StringLike": {"s3:prefix": unique(prefixes)}}
	}
	if use != Write || !section.ObjectLock.Wanted() {
		return []Statement{list}
	}
	return []Statement{list, {Sid: "Lock" + suffix, Effect: "Allow", Resource: []string{arn},
		Action: []string{"s3:GetBucketObjectLockConfiguration", "s3:GetBucketVersioning"}}}
}

func objectActions(section S3, use Use) []string {
	actions := []string{"s3:GetObject"}
	if use == Write {
		actions = append(actions, "s3:PutObject")
		if section.ObjectLock.Wanted() {
			actions = append(actions, "s3:PutObjectRetention")
		}
	}
	return actions
}

// BucketPolicy has a bucket itself refuse, of whomever, what trueup never does: to write over what exists, and to speak
// without TLS (S3 User Guide, "Enforce conditional writes on Amazon S3 buckets"). Multipart uploads of others are left
// to their last request, which can be conditional.
func BucketPolicy(section S3, bucket string, locations ...string) (Policy, error) {
	arn := bucketARN(section.Region, bucket)
	var objects []string
	for _, location := range locations {
		at, err := parse(location)
		if err != nil {
			return Policy{}, err
		}
		if at.bucket == bucket {
			objects = append(objects, arn+"/"+at.prefix+"*")
		}
	}
	return Policy{Version: policyVersion, Statement: []Statement{
		{Sid: "CreateOnly", Effect: "Deny", Principal: "*", Action: []string{"s3:PutObject"}, Resource: unique(objects),
			Condition: map[string]map[string][]string{"Null": {"s3:if-none-match": {"true"}}, "Bool": {"s3:ObjectCreationOperation": {"true"}}}},
		{Sid: "EncryptedTransportOnly", Effect: "Deny", Principal: "*", Action: []string{"s3:*"}, Resource: []string{arn, arn + "/*"},
			Condition: map[string]map[string][]string{"Bool": {"aws:SecureTransport": {"false"}}}}}}, nil
}

// Buckets are the names of the buckets among locations, each once.
func Buckets(locations ...string) []string {
	var names []string
	for _, location := range locations {
		if at, err := parse(location); err == nil && at.bucket != "" {
			names = append(names, at.bucket)
		}
	}
	return unique(names)
}

// ARN is how IAM names the bucket.
func (b *Bucket) ARN() string { return bucketARN(b.region, b.name) }

// bucketARN names a bucket in the partition of its region (AWS General Reference, "Amazon Resource Names").
func bucketARN(region, name string) string {
	partition := "aws"
	switch {
	case strings.HasPrefix(region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return "arn:" + partition + ":s3:::" + name
}

// unique is a list without what stood in it before.
func unique(all []string) []string {
	var once []string
	for _, s := range all {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}
