package main

import (
	"errors"
	"flag"
	"fmt"
	"os/exec"
)

var update = flag.Bool("update", false, "rewrite golden files")

func exitCodeOf(err error) string {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Sprint(e.ExitCode())
	}
	return err.Error()
}
