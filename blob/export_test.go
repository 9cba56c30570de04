package blob

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// OpenBrisk opens a bucket whose retries hardly pause.
func OpenBrisk(ctx context.Context, location string, o Options, change ...func(*s3.Options)) (*Bucket, error) {
	at, err := parse(location)
	if err != nil {
		return nil, err
	}
	quick := func(o *s3.Options) { o.Retryer = patience(time.Millisecond) }
	return openBucket(ctx, at, o, append([]func(*s3.Options){quick}, change...)...)
}

// ListByPage lists with small pages.
func (b *Bucket) ListByPage(ctx context.Context, prefix string, page int32) iter.Seq2[Info, error] {
	return b.list(ctx, prefix, page)
}

// MaxPut is the size that a put refuses to exceed.
const MaxPut = maxPut
