package blob_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trueup/blob"
	"trueup/blob/blobtest"
)

// sts answers AssumeRole (AWS STS API Reference): the keys of a user become those of a role, or are refused.
type sts struct {
	role, user, assumed string // the role that may be taken, by which access key, and the access key that it gets
	asked               []url.Values
}

func (s *sts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // a body that is no form asks for nothing
	s.asked = append(s.asked, r.PostForm)
	w.Header().Set("Content-Type", "text/xml")
	if r.PostForm.Get("Action") != "AssumeRole" || r.PostForm.Get("RoleArn") != s.role || !strings.Contains(r.Header.Get("Authorization"), "Credential="+s.user+"/") {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code>
			<Message>User is not authorized to perform: sts:AssumeRole on resource: %s</Message></Error><RequestId>c6104cbe</RequestId></ErrorResponse>`, r.PostForm.Get("RoleArn"))
		return
	}
	fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
		<AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/trueup/nightly</Arn><AssumedRoleId>AROA:nightly</AssumedRoleId></AssumedRoleUser>
		<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>session-of-the-role</SessionToken>
		<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, s.assumed, blobtest.FakeSecret)
}

// TestRole reaches a bucket as a role that the profile names: the user's own keys go to STS alone.
func TestRole(t *testing.T) {
	f := blobtest.NewFake(t) // knows the role's key only
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	desk := &sts{role: "arn:aws:iam::111122223333:role/trueup", user: "AKIDUSER", assumed: f.Key}
	server := httptest.NewServer(desk)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_STS", server.URL)
	profile := func(role string) blob.S3 {
		settings := filepath.Join(t.TempDir(), "config")
		text := "[profile base]\naws_access_key_id = AKIDUSER\naws_secret_access_key = " + blobtest.FakeSecret + "\n" +
			"[profile nightly]\nregion = eu-central-1\nrole_arn = " + role + "\nsource_profile = base\nexternal_id = licences\n"
		if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("AWS_CONFIG_FILE", settings)
		s := section(f)
		s.Profile = "nightly"
		return s
	}

	if err := brisk(t, "s3://plain/x", profile(desk.role)).Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(desk.asked) != 1 || desk.asked[0].Get("ExternalId") != "licences" {
		t.Errorf("STS was asked %v", desk.asked)
	}
	for _, r := range f.Seen() {
		if r.Header.Get("X-Amz-Security-Token") != "session-of-the-role" {
			t.Errorf("%s %s does not come from the role", r.Method, r.URL.Path)
		}
	}
	explained(t, brisk(t, "s3://plain/x", profile("arn:aws:iam::111122223333:role/other")).Probe(t.Context()),
		"the role of the profile is refused", "trust policy")
}
