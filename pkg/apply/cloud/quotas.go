package cloud

import (
	"context"
	"errors"
	"fmt"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/diff"
)

// Quotas reads the limits of the organization, none where the API does not have them, the key may not see them, or they
// cannot be answered: they are a courtesy, and the API refuses by itself what is too much.
func (b *Backend) Quotas(ctx context.Context) ([]diff.Quota, error) {
	all, err := b.api.ListQuotas(ctx, b.organization())
	var answered *client.Error
	if errors.As(err, &answered) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read quotas: %w", err)
	}
	out := make([]diff.Quota, 0, len(all))
	for _, q := range all {
		if q.Value != nil && q.Usage != nil { // without a usage nothing can be said
			out = append(out, diff.Quota{Code: q.QuotaCode, Limit: int(*q.Value), Used: int(*q.Usage)})
		}
	}
	return out, nil
}
