package client_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/secret"
)

// TestEchoOfCredentials: a server or proxy that quotes what it was sent does not get our key printed, whatever it quotes it in.
func TestEchoOfCredentials(t *testing.T) {
	const id, key = "Xq7Wm2Kd9Rt4Lp8Vn3Zs", "4b1dQw8Er6Ty4Ui2Op0As9Df7Gh5Jk3Lz1Xc8Vb6Nm"
	basic := base64.StdEncoding.EncodeToString([]byte(id + ":" + key))
	forms := map[string]string{
		"id": id, "secret": key, "basic": basic, "basic without padding": strings.TrimRight(basic, "="),
		"base64 of the secret": base64.StdEncoding.EncodeToString([]byte(key)), "base64 of the id": base64.StdEncoding.EncodeToString([]byte(id)),
		"url": base64.URLEncoding.EncodeToString([]byte(id + ":" + key)), "escaped": strings.ReplaceAll(basic, "/", `\/`),
	}
	for name, form := range forms {
		padding := strings.Repeat("x", 480) // a cut at the end of a message must not leave half of it
		for where, answered := range map[string]reply{
			"error":             answer(400, `{"status":400,"error":"BAD_REQUEST: bad header `+form+`","requestId":"`+form+`"}`),
			"error at its end":  answer(400, `{"status":400,"error":"`+padding+form+`"}`),
			"other JSON":        answer(502, `{"headers":{"x":"Basic `+form+`"}}`),
			"text":              answer(403, "you sent Authorization: Basic "+form),
			"redirect":          answer(302, "", "Location", "https://example.com/?h="+form),
			"result":            answer(200, `{"status":200,"result":{"name":["`+form+`"]}}`),
			"network":           fail(errors.New("malformed HTTP response \"" + form + "\"")),
			"secret field name": answer(200, `{"status":200,"result":{"`+form+`":1}}`),
		} {
			var debug strings.Builder
			c, err := client.New(cloudapi.Dialect(), "https://api.example.com", client.Credentials{KeyID: id, KeySecret: secret.New(key)},
				client.WithTransport(&script{replies: []reply{answered}}), client.WithDebug(&debug), client.WithRate(client.Rate{}), client.WithTick(1))
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Call[struct {
				Name string `json:"name"`
			}](t.Context(), c, client.Request{Method: http.MethodGet, Path: "/v1/organizations"})
			for e := err; e != nil; e = errors.Unwrap(e) {
				debug.WriteString("\n" + e.Error())
			}
			for _, leak := range []string{id, key, key[:20], basic[:20], forms["base64 of the secret"][:20], form[:len(form)-2]} {
				if strings.Contains(debug.String(), leak) {
					t.Errorf("%s in %s: %q is shown in\n%s", name, where, leak, debug.String())
				}
			}
		}
	}
}
