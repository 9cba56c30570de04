package facts

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkLane rolls up sign-ins of 100,000 accounts in 20 applications, scattered as a log has them: in the order of
// accounts the tables would stay in the cache, and the figure would say nothing.
func BenchmarkLane(b *testing.B) {
	const accounts, events = 100_000, 1 << 20
	random := rand.New(rand.NewPCG(1, 2))
	until := At(time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC))
	applications := make([][]byte, 20)
	for n := range applications {
		applications[n] = fmt.Appendf(nil, "Application %d", n)
	}
	log := make([]SignIn, events)
	for n := range log {
		who := random.IntN(accounts)
		text := fmt.Appendf(nil, "00u%017dperson.%06d@example.com", who, who)
		log[n] = SignIn{Account: text[:20], Login: text[20:], Application: applications[random.IntN(len(applications))],
			At: until - Instant(random.IntN(90*dayMillis)), Success: true}
	}
	calendar := NewCalendar(time.UTC)
	for b.Loop() {
		lane := NewLane(calendar, until)
		for n := range log {
			lane.Add(log[n])
		}
		o := NewObservation("okta", FeedSignIns, until)
		o.Join(lane)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
}
