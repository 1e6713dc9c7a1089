package diff

import "github.com/orgctl/orgctl/pkg/spec"

// Proof is one thing that no part of a plan takes away. Proofs are a view of a plan: they depend on the caller and are not
// stored in it.
type Proof struct {
	Code      string       `json:"code"`    // of the guard that would say otherwise
	Address   spec.Address `json:"address"` // whom it is about
	Statement string       `json:"statement"`
}

// Proofs gives what stays true of administrators and caller whatever part of the plan is carried out, as far as the
// observation shows it. What does not stay true is in the verdict of Check instead.
func Proofs(p *Plan, live *spec.Live, caller Caller) []Proof {
	j := newJudgement(p, live, caller)
	prove := rulesOf(j.api).prove
	if prove == nil {
		return nil
	}
	return prove(j)
}
