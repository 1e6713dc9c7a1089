package client_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgctl/orgctl/pkg/client"
)

// Once nothing more is to begin, a call that waits is not sent, and says that it had no effect; one that was sent is waited
// for.
func TestWithBegin(t *testing.T) {
	slow := func(req *http.Request) (*http.Response, error) {
		<-time.After(time.Minute)
		return answer(200, okBody)(req)
	}
	for name, tc := range map[string]struct {
		reply   reply
		rate    client.Rate
		sends   int
		stopped bool
	}{
		"in the pause after a refusal": {answer(429, "", "Retry-After", "60"), client.Rate{}, 1, true},
		"in the backoff of a read":     {answer(500, ""), client.Rate{}, 2, true},
		"in the queue for its turn":    {answer(200, okBody), client.Rate{Requests: 1, Window: time.Hour}, 1, true},
		"under way":                    {slow, client.Rate{}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{replies: []reply{tc.reply}}
				c := newClient(t, "https://api.example.com", client.WithTransport(s), client.WithRate(tc.rate))
				begin, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				ctx := client.WithBegin(t.Context(), begin)
				request := client.Request{Method: "GET", Path: "/v1/things"}
				if tc.rate.Requests > 0 {
					if _, err := c.Do(ctx, request); err != nil {
						t.Fatal(err)
					}
				}
				begun := time.Now()
				_, err := c.Do(ctx, request)
				var unsent interface{ Stopped() bool }
				if got := errors.Is(err, client.ErrStopped) && errors.As(err, &unsent) && unsent.Stopped(); got != tc.stopped {
					t.Errorf("got %v", err)
				}
				if took := time.Since(begun); tc.stopped && took > time.Second {
					t.Errorf("took %s", took)
				}
				if len(s.requests) != tc.sends {
					t.Errorf("%d sends, want %d", len(s.requests), tc.sends)
				}
				if _, err := c.Do(ctx, request); !errors.Is(err, client.ErrStopped) || len(s.requests) != tc.sends {
					t.Errorf("another call was sent: %v", err)
				}
			})
		})
	}
}
