package client_test

import (
	"strings"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
)

func TestParseRate(t *testing.T) {
	for in, want := range map[string]client.Rate{
		"10/10s":   {Requests: 10, Window: 10 * time.Second},
		"100/1m":   {Requests: 100, Window: time.Minute},
		"1/250ms":  {Requests: 1, Window: 250 * time.Millisecond},
		"600/1h0m": {Requests: 600, Window: time.Hour},
	} {
		got, err := client.ParseRate(in)
		if err != nil || got != want {
			t.Errorf("ParseRate(%q) = %v, %v, want %v", in, got, err, want)
		}
		if again, err := client.ParseRate(got.String()); err != nil || again != got {
			t.Errorf("ParseRate(%q) = %v, %v, want %v", got.String(), again, err, got)
		}
	}
	for _, in := range []string{"", "10", "10/", "/10s", "10/10", "0/0s", "0/10s", "10/0s", "-1/10s", "10/-1s", "x/10s", "10/10s/2", "1000000000/1s", "10 / 10s"} {
		got, err := client.ParseRate(in)
		if err == nil || !strings.Contains(err.Error(), "10/10s") {
			t.Errorf("ParseRate(%q) = %v, %v, want an error that shows the form", in, got, err)
		}
	}
}

func TestNewRefusesAnImpossibleRate(t *testing.T) {
	_, err := client.New(cloudapi.Dialect(), "https://api.example.com", credentials(), client.WithRate(client.Rate{Requests: -1, Window: time.Second}))
	if err == nil {
		t.Error("a negative rate was accepted")
	}
}
