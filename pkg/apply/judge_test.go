package apply_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// judging is a backend that notes what it is asked.
type judging struct {
	apply.Backend
	asked  []string
	now    time.Time
	secret error
}

func (j *judging) ServerTime() time.Time            { return j.now }
func (j *judging) Longest(*diff.Plan) time.Duration { return time.Hour }
func (j *judging) AskTime(context.Context) error {
	j.now = j.now.Add(time.Minute)
	return nil
}

func (j *judging) Begun(context.Context, *diff.Plan) ([]string, error) {
	return []string{"half-made"}, nil
}

func (j *judging) CheckSecrets(context.Context, *diff.Plan) error {
	j.asked = append(j.asked, "secrets")
	return j.secret
}

func (j *judging) Quotas(context.Context) ([]diff.Quota, error) {
	j.asked = append(j.asked, "quotas")
	return []diff.Quota{{Code: spec.ClickHouse.Kind("service").Quota, Limit: 1, Used: 1}}, nil
}

func TestJudge(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	live := &spec.Live{}
	key := diff.Change{Address: spec.Address{Kind: "key", Name: "ci"}, Action: diff.Create, After: spec.Tree{}}
	for name, test := range map[string]struct {
		change diff.Change
		now    time.Time
		secret error
		asked  []string
		over   time.Time
		err    string
	}{
		"a service is held to quotas":     {change: change("orders"), now: now, asked: []string{"secrets", "quotas"}, over: now.Add(time.Hour)},
		"nothing else is":                 {change: key, now: now, asked: []string{"secrets"}, over: now.Add(time.Hour)},
		"no clock of ours is put in":      {change: key, asked: []string{"secrets"}},
		"a secret that cannot be trusted": {change: change("orders"), now: now, secret: errors.New("planted"), asked: []string{"secrets"}, over: now.Add(time.Hour), err: "planted\nnothing was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			b, p := &judging{now: test.now, secret: test.secret}, planOf([]diff.Change{test.change})
			who, err := apply.Judge(t.Context(), b, p, live, diff.Caller{})
			if err != nil && err.Error() != test.err || err == nil && test.err != "" {
				t.Errorf("error %v, want %q", err, test.err)
			}
			if !slices.Equal(b.asked, test.asked) {
				t.Errorf("asked for %s, want %s", b.asked, test.asked)
			}
			if who.Now != test.now || who.Over != test.over || !slices.Equal(who.Begun, []string{"half-made"}) {
				t.Errorf("caller %+v", who)
			}
			full := slices.ContainsFunc(p.Findings, func(f diff.Finding) bool { return f.Code == diff.CodeQuota })
			if asked := slices.Contains(test.asked, "quotas"); full != asked {
				t.Errorf("quota exceeded: %t, want %t", full, asked)
			}
		})
	}
}

// TestJudgeAgain: a plan whose confirmation took its time is held to the time that it is then.
func TestJudgeAgain(t *testing.T) {
	b := &judging{now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	ends := spec.Resource{
		Address: spec.Address{Kind: "key", Name: "ours"}, ID: "k",
		Spec:   spec.Tree{"state": "enabled", "roles": []any{"admin"}, "expireAt": b.now.Add(time.Hour + 30*time.Second).Format(time.RFC3339)},
		Status: spec.Tree{"keySuffix": "abcd"},
	}
	live := &spec.Live{Resources: []spec.Resource{ends}, Caller: spec.Caller{KeySuffix: "abcd"}}
	p := planOf([]diff.Change{change("orders")})
	expires := func() bool {
		return slices.ContainsFunc(p.Findings, func(f diff.Finding) bool { return f.Address == ends.Address && strings.Contains(f.Message, "expire") }) ||
			slices.ContainsFunc(p.Requirements, func(r diff.Requirement) bool { return r.Address == ends.Address })
	}
	who, err := apply.Judge(t.Context(), b, p, live, diff.Caller{})
	if err != nil || expires() {
		t.Fatalf("at first: %v %+v %+v", err, p.Findings, p.Requirements)
	}
	if err := apply.JudgeAgain(t.Context(), b, p, live, who); err != nil || !expires() {
		t.Errorf("a minute later: %v %+v %+v", err, p.Findings, p.Requirements)
	}
}
