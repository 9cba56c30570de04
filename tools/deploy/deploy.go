// Package deploy holds no code, only tests of what trueup is shipped with: Dockerfile and .dockerignore, the units of
// deploy/systemd and the manifests of deploy/kubernetes. Whether they hold on a real engine, a booted systemd or a cluster
// is not tried here; what can be known without one is.
package deploy
