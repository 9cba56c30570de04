package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"trueup/blob"
)

func (a *app) awsPolicyCommand() *cobra.Command {
	var request policyRequest
	cmd := &cobra.Command{
		Use:   "aws-policy",
		Short: "Print the least AWS IAM policy for the buckets of the configuration",
		Long: "aws-policy prints what the identity that runs trueup must be allowed to do with the buckets under archive and publish:\n" +
			"to list, create and read, and to lock and encrypt where the configuration asks for it. It never has to delete, to\n" +
			"replace, or to shorten a retention. With --bucket it prints a policy for that bucket itself, by which nobody replaces\n" +
			"an object or speaks to it without TLS. Nothing is sent.\n" + codesHelp(exitDone, exitUsage),
		Example: "  trueup aws-policy > trueup-policy.json\n  trueup aws-policy --read-only\n  trueup aws-policy --bucket example-licences",
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return a.awsPolicy(request) },
	}
	cmd.Flags().BoolVar(&request.archiveOnly, "archive-only", false, "for the archive alone, as trueup pull and plan need it")
	cmd.Flags().BoolVar(&request.readOnly, "read-only", false, "for an identity that only reads, as trueup report needs it")
	cmd.Flags().StringVar(&request.bucket, "bucket", "", "the policy of this bucket itself")
	return cmd
}

type policyRequest struct {
	archiveOnly, readOnly bool
	bucket                string
}

func (a *app) awsPolicy(request policyRequest) error {
	if err := a.only("text", "json"); err != nil {
		return err
	}
	s, err := a.load()
	if err != nil {
		return err
	}
	places := []string{s.Archive}
	if !request.archiveOnly {
		places = append(places, s.Publish...)
	}
	buckets := blob.Buckets(places...)
	if len(buckets) == 0 {
		return mistakef("archive: s3://BUCKET/PREFIX, or publish: [s3://BUCKET/PREFIX]", "the configuration names no bucket here")
	}
	var policy blob.Policy
	switch use := blob.Write; {
	case request.bucket != "" && request.readOnly:
		return mistakef("a bucket's policy is for everybody", "--bucket and --read-only do not go together")
	case request.bucket != "" && !slices.Contains(buckets, request.bucket):
		return mistakef("buckets are "+strings.Join(buckets, ", "), "%q is no bucket of the configuration", request.bucket)
	case request.bucket != "":
		policy, err = blob.BucketPolicy(s.S3, request.bucket, places...)
	default:
		if request.readOnly {
			use = blob.ReadOnly
		}
		policy, err = blob.IdentityPolicy(s.S3, use, places...)
	}
	if err != nil {
		return err
	}
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(policy)
}
