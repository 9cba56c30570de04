package trueup

// Modules the rooms are about to use; a room that imports one takes its line away here.
import (
	_ "github.com/aws/aws-sdk-go-v2/credentials"
	_ "github.com/prometheus/client_golang/prometheus"
	_ "github.com/prometheus/client_golang/prometheus/promhttp"
	_ "github.com/prometheus/client_golang/prometheus/testutil"
	_ "github.com/prometheus/common/expfmt"
)
