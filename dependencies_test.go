package trueup

// Modules the rooms are about to use; a room that imports one takes its line away here.
import (
	_ "github.com/aws/aws-sdk-go-v2/credentials"
)
