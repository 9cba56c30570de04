// Package storetest starts PostgreSQL servers for tests: in a temporary folder, on a port of their own, as an ordinary
// user, and gone when the test binary is, however that ends.
package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Superuser is the role that tests connect as unless they say otherwise. It needs no password on the unix socket.
const Superuser = "postgres"

// Server is a running PostgreSQL server. Over its unix socket the roles [Superuser] and "trueup" are trusted; every other
// role, and everything over TCP, needs a password.
type Server struct {
	Dir     string // has the data in data/, the unix socket, and the log in server.log
	Port    int    // on 127.0.0.1, and in the name of the unix socket
	options []string
	as      *syscall.Credential // nil: as the user that runs the test
	keeper  *exec.Cmd           // stops the server and removes Dir once its standard input ends
	hold    interface{ Close() error }
	server  int // process id of the postmaster
}

// keep runs the server until standard input ends, however the test ends, and then leaves nothing behind unless told to
// keep the folder.
const keep = `trap '' INT TERM HUP
"$@" >>"$DIR/server.log" 2>&1 </dev/null &
server=$!
echo $server
word=$(cat)
kill -QUIT $server 2>/dev/null
wait $server
[ "$word" = keep ] && exit
for try in 1 2 3 4 5 6 7 8 9; do rm -rf "$DIR" 2>/dev/null && exit; sleep 0.2; done
`

// newServer makes the data folder of a server that is not started yet.
func newServer(programs string, options ...string) (*Server, error) {
	s := &Server{options: options}
	var err error
	if s.as, err = ordinary(); err != nil {
		return nil, err
	}
	if s.Dir, err = os.MkdirTemp("/tmp", "trueup-pg-"); err != nil { // short, since a socket's path is limited to 107 bytes
		return nil, err
	}
	if s.as != nil {
		if err := os.Chown(s.Dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			return nil, err
		}
	}
	init := s.command(filepath.Join(programs, "initdb"), "--pgdata", s.data(), "--username", Superuser, "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions")
	if out, err := init.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(s.Dir))
	}
	trust := "local all " + Superuser + ",trueup trust\nlocal all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n"
	return s, os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(trust), 0o644)
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

// command is a program that runs as an ordinary user in a group of its own, so that an interrupt from the keyboard
// reaches the test only.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.Dir, c.SysProcAttr = s.Dir, &syscall.SysProcAttr{Credential: s.as, Setpgid: true}
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "DIR=" + s.Dir, "HOME=" + s.Dir}
	return c
}

// start starts the server and waits until it answers.
func (s *Server) start(programs string) error {
	if s.Port == 0 {
		port, err := freePort()
		if err != nil {
			return err
		}
		s.Port = port
	}
	args := []string{"-c", keep, "sh", filepath.Join(programs, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.Port), "-k", s.Dir,
		"-c", "listen_addresses=127.0.0.1", "-c", "max_connections=40", "-c", "shared_buffers=64MB"}
	for _, option := range s.options {
		args = append(args, "-c", option)
	}
	s.keeper = s.command("/bin/sh", args...)
	stdin, err := s.keeper.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := s.keeper.StdoutPipe()
	if err != nil {
		return err
	}
	s.hold = stdin
	if err := s.keeper.Start(); err != nil {
		return err
	}
	if _, err := fmt.Fscan(stdout, &s.server); err != nil {
		return err
	}
	return s.await()
}

// await waits until the server takes connections.
func (s *Server) await() error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		state, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
		if err == nil && bytes.HasPrefix(state, fmt.Appendln(nil, s.server)) && (bytes.Contains(state, []byte("ready")) || bytes.Contains(state, []byte("standby"))) {
			return nil
		}
		if !s.alive() {
			break
		}
	}
	log, _ := os.ReadFile(filepath.Join(s.Dir, "server.log"))
	return fmt.Errorf("the server does not start: %s", log)
}

// alive tells whether the server's process works; one that has ended and was not waited for does not.
func (s *Server) alive() bool {
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.server))
	return err == nil && !bytes.Contains(state, []byte(") Z "))
}

// DSN is the address of a database by the unix socket for a role that is trusted there.
func (s *Server) DSN(role, database string) string {
	query := url.Values{"host": {s.Dir}, "port": {strconv.Itoa(s.Port)}, "user": {role}}
	return "postgres:///" + database + "?" + query.Encode()
}

// TCP is the address of a database by the network, where every role needs a password.
func (s *Server) TCP(role, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", role, s.Port, database)
}

// Log is what the server has said.
func (s *Server) Log(t testing.TB) string {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(s.Dir, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}

// Signal sends the server a signal: SIGQUIT crashes it in order, SIGKILL without.
func (s *Server) Signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(s.server, signal); err != nil {
		t.Fatal(err)
	}
}

// Restart starts the server again on its data once it has ended.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	_ = s.end(true) // how it ended is the test's business
	err := s.start(find(t))
	for n := 0; err != nil && n < 20; n++ { // what a killed server left running may still be in the way
		_ = s.end(true)
		time.Sleep(100 * time.Millisecond)
		err = s.start(find(t))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// end stops the server, if it still works, and waits for that.
func (s *Server) end(keepFolder bool) error {
	if s.keeper == nil {
		return os.RemoveAll(s.Dir)
	}
	if writer, ok := s.hold.(interface{ Write([]byte) (int, error) }); ok && keepFolder {
		if _, err := writer.Write([]byte("keep")); err != nil {
			return err
		}
	}
	err := errors.Join(s.hold.Close(), s.keeper.Wait())
	s.keeper = nil
	return err
}

// ordinary is whom a server runs as: PostgreSQL refuses to run as root.
func ordinary() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: false}, err
	}
	return nil, errors.New("there is no ordinary user to run a server as")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// find returns the folder of the server's programs, those in PATH first, else the newest of Debian's. Without any the
// test is skipped.
func find(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path)
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		t.Skip("postgres, the server of PostgreSQL, is not installed")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4]) // not a number: the oldest
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }))
}
