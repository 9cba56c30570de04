package deploy

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// manifests is what one folder of deploy/kubernetes builds to, decoded into Kubernetes' own types.
type manifests struct {
	objects  map[string]any // by kind/name
	pod      corev1.PodTemplateSpec
	cronJob  *batchv1.CronJob
	serve    *appsv1.Deployment
	networks []*networkingv1.NetworkPolicy
}

// decode refuses what Kubernetes' types do not have: a field that is spelt wrong or indented wrong.
func decode[T any](t *testing.T, document []byte) *T {
	t.Helper()
	object := new(T)
	if err := yaml.UnmarshalStrict(document, object); err != nil {
		t.Errorf("%T: %v\n%s", object, err, document)
	}
	return object
}

func manifestsOf(t *testing.T, folder string) manifests {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, "deploy/kubernetes", folder))
	if err != nil {
		t.Fatal(err)
	}
	m := manifests{objects: map[string]any{}}
	for _, resource := range built.Resources() {
		document, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		id := resource.GetKind() + "/" + resource.GetName()
		if resource.GetKind() != "Namespace" && resource.GetNamespace() != "trueup" {
			t.Errorf("%s is in namespace %q", id, resource.GetNamespace())
		}
		switch resource.GetApiVersion() + " " + resource.GetKind() {
		case "v1 Namespace":
			m.objects[id] = decode[corev1.Namespace](t, document)
		case "v1 ServiceAccount":
			m.objects[id] = decode[corev1.ServiceAccount](t, document)
		case "v1 PersistentVolumeClaim":
			m.objects[id] = decode[corev1.PersistentVolumeClaim](t, document)
		case "v1 ConfigMap":
			m.objects[id] = decode[corev1.ConfigMap](t, document)
		case "v1 Service":
			m.objects[id] = decode[corev1.Service](t, document)
		case "networking.k8s.io/v1 NetworkPolicy":
			policy := decode[networkingv1.NetworkPolicy](t, document)
			m.objects[id], m.networks = policy, append(m.networks, policy)
		case "batch/v1 CronJob":
			m.cronJob = decode[batchv1.CronJob](t, document)
			m.objects[id], m.pod = m.cronJob, m.cronJob.Spec.JobTemplate.Spec.Template
		case "apps/v1 Deployment":
			m.serve = decode[appsv1.Deployment](t, document)
			m.objects[id], m.pod = m.serve, m.serve.Spec.Template
		default:
			t.Errorf("%s: a kind this test does not know; add it, so that it is decoded strictly", id)
		}
	}
	return m
}

func TestStrictDecodingFindsMisspellings(t *testing.T) {
	if err := yaml.UnmarshalStrict([]byte("spec: {concurencyPolicy: Forbid}"), new(batchv1.CronJob)); err == nil {
		t.Error("a misspelt field was accepted")
	}
}

var pinned = regexp.MustCompile(`^[a-z0-9.-]+(:[0-9]+)?/[a-z0-9/._-]+(:v?[0-9]+\.[0-9]+\.[0-9]+|@sha256:[0-9a-f]{64})$`)

func TestPodsAreConfined(t *testing.T) {
	im := readImage(t)
	uid, _, _ := strings.Cut(im.user, ":")
	for _, folder := range []string{"nightly", "serve"} {
		t.Run(folder, func(t *testing.T) {
			pod := manifestsOf(t, folder).pod
			spec := pod.Spec
			if len(spec.Containers) != 1 || len(spec.InitContainers) != 0 {
				t.Fatalf("%d containers", len(spec.Containers))
			}
			c := spec.Containers[0]
			if !pinned.MatchString(c.Image) {
				t.Errorf("image %s is not one version", c.Image)
			}
			for name, limits := range map[string]corev1.ResourceList{"requests": c.Resources.Requests, "limits": c.Resources.Limits} {
				for _, resource := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
					if limits.Name(resource, "").IsZero() {
						t.Errorf("%s has no %s", name, resource)
					}
				}
			}
			checkRights(t, spec, c, uid)
			checkMounts(t, spec, c)
			if spec.TerminationGracePeriodSeconds == nil || *spec.TerminationGracePeriodSeconds < 180 {
				t.Error("an action must have the time to record its outcome")
			}
			path, _ := program(t)
			understands(t, path, c.Args)
		})
	}
}

func is[T comparable](p *T, want T) bool { return p != nil && *p == want }

func checkRights(t *testing.T, spec corev1.PodSpec, c corev1.Container, uid string) {
	t.Helper()
	pod, own := spec.SecurityContext, c.SecurityContext
	if pod == nil || own == nil {
		t.Fatal("no security context")
	}
	rules := map[string]bool{
		"runAsNonRoot":                        is(pod.RunAsNonRoot, true),
		"the image's user":                    pod.RunAsUser != nil && uid == strconv.FormatInt(*pod.RunAsUser, 10),
		"seccomp RuntimeDefault":              pod.SeccompProfile != nil && pod.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
		"readOnlyRootFilesystem":              is(own.ReadOnlyRootFilesystem, true),
		"allowPrivilegeEscalation: false":     is(own.AllowPrivilegeEscalation, false),
		"drop ALL":                            own.Capabilities != nil && slices.Equal(own.Capabilities.Drop, []corev1.Capability{"ALL"}) && len(own.Capabilities.Add) == 0,
		"not privileged":                      own.Privileged == nil || !*own.Privileged,
		"automountServiceAccountToken: false": is(spec.AutomountServiceAccountToken, false),
		"no host namespaces":                  !spec.HostNetwork && !spec.HostPID && !spec.HostIPC,
	}
	for rule, holds := range rules {
		if !holds {
			t.Errorf("rule broken: %s", rule)
		}
	}
}

func checkMounts(t *testing.T, spec corev1.PodSpec, c corev1.Container) {
	t.Helper()
	volumes := map[string]corev1.Volume{}
	for _, v := range spec.Volumes {
		volumes[v.Name] = v
		if v.HostPath != nil {
			t.Errorf("volume %s is a folder of the node", v.Name)
		}
		if v.EmptyDir != nil && v.EmptyDir.SizeLimit == nil {
			t.Errorf("volume %s has no size limit", v.Name)
		}
	}
	for _, mount := range c.VolumeMounts {
		if _, ok := volumes[mount.Name]; !ok {
			t.Errorf("mount %s has no volume", mount.Name)
		}
	}
}

func TestCronJob(t *testing.T) {
	job := manifestsOf(t, "nightly").cronJob
	if job == nil {
		t.Fatal("no CronJob")
	}
	if !is(job.Spec.TimeZone, "Europe/Berlin") {
		t.Error("no time zone: the control plane's would be taken")
	} else if _, err := time.LoadLocation(*job.Spec.TimeZone); err != nil {
		t.Error(err)
	}
	if job.Spec.ConcurrencyPolicy != batchv1.ForbidConcurrent || job.Spec.StartingDeadlineSeconds == nil {
		t.Errorf("concurrency %q, starting deadline %v", job.Spec.ConcurrencyPolicy, job.Spec.StartingDeadlineSeconds)
	}
	spec := job.Spec.JobTemplate.Spec
	if spec.BackoffLimit == nil || spec.ActiveDeadlineSeconds == nil || spec.Template.Spec.RestartPolicy != corev1.RestartPolicyNever {
		t.Error("a backoff limit, a deadline and restartPolicy: Never are needed") // the last one for the failure policy
	}
	if spec.PodFailurePolicy == nil {
		t.Fatal("no failure policy")
	}
	actions := map[int32]batchv1.PodFailurePolicyAction{}
	for _, rule := range spec.PodFailurePolicy.Rules {
		if rule.OnExitCodes == nil {
			continue
		}
		if rule.OnExitCodes.Operator != batchv1.PodFailurePolicyOnExitCodesOpIn || !is(rule.OnExitCodes.ContainerName, "trueup") {
			t.Errorf("rule %v", rule.OnExitCodes)
		}
		if !slices.IsSorted(rule.OnExitCodes.Values) {
			t.Error("the API server wants exit codes in order")
		}
		for _, code := range rule.OnExitCodes.Values {
			actions[code] = rule.Action
		}
	}
	for _, code := range []int32{3, 4, 7} { // withheld, bad configuration, verification failed: the same again ends the same way
		if actions[code] != batchv1.PodFailurePolicyActionFailJob {
			t.Errorf("exit code %d is tried again", code)
		}
	}
	for _, code := range []int32{5, 6, 130} { // a source failed, another run holds the lease, interrupted
		if action, ok := actions[code]; ok {
			t.Errorf("exit code %d leads to %s; it should be tried again", code, action)
		}
	}
}

func TestDeployment(t *testing.T) {
	m := manifestsOf(t, "serve")
	if m.serve == nil || m.cronJob != nil {
		t.Fatal("want the scheduler and no job beside it")
	}
	if !is(m.serve.Spec.Replicas, 1) || m.serve.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		t.Error("two schedulers at a time")
	}
	c := m.pod.Spec.Containers[0]
	for path, probe := range map[string]*corev1.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != c.Ports[0].Name {
			t.Errorf("%s is not asked for: %v", path, probe)
		}
	}
	for key, value := range m.serve.Spec.Selector.MatchLabels {
		if m.pod.Labels[key] != value {
			t.Errorf("the deployment does not select its own pods by %s", key)
		}
	}
	service, ok := m.objects["Service/trueup"].(*corev1.Service)
	if !ok || service.Spec.Ports[0].TargetPort.StrVal != c.Ports[0].Name {
		t.Errorf("service %v", service)
	}
}

// TestNetworkPoliciesSelectThePods and nothing else, and names can be looked up.
func TestNetworkPoliciesSelectThePods(t *testing.T) {
	for folder, ingress := range map[string]int{"nightly": 0, "serve": 1} {
		m := manifestsOf(t, folder)
		var in, dns int
		for _, policy := range m.networks {
			for key, value := range policy.Spec.PodSelector.MatchLabels {
				if m.pod.Labels[key] != value {
					t.Errorf("%s: policy %s does not select the pods", folder, policy.Name)
				}
			}
			in += len(policy.Spec.Ingress)
			for _, rule := range policy.Spec.Egress {
				for _, peer := range rule.To {
					if peer.PodSelector != nil && peer.PodSelector.MatchLabels["k8s-app"] == "kube-dns" && len(peer.PodSelector.MatchLabels) == 1 {
						dns++
					}
				}
			}
		}
		if in != ingress || dns != 1 {
			t.Errorf("%s: %d rules let something in, %d reach the name server", folder, in, dns)
		}
	}
}

func TestSecretIsAnExampleOnly(t *testing.T) {
	secret := decode[corev1.Secret](t, readFile(t, "deploy/kubernetes/secret.example.yaml"))
	for name, value := range secret.StringData {
		if value != "change-me" {
			t.Errorf("%s holds something", name)
		}
	}
	for _, folder := range []string{"nightly", "serve"} {
		m := manifestsOf(t, folder)
		if source := m.pod.Spec.Containers[0].EnvFrom[0].SecretRef; source == nil || source.Name != secret.Name {
			t.Errorf("%s takes its environment from %v", folder, source)
		}
	}
}
