package secrets_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/orgctl/orgctl/pkg/apply/secrets"
)

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

func decrypt(t *testing.T, path string, identity age.Identity) secrets.Record {
	t.Helper()
	plain, err := age.Decrypt(bytes.NewReader(read(t, path)), identity)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	data, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	r, err := secrets.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSealedDirIsReadByEveryRecipient(t *testing.T) {
	ana, ben := newIdentity(t), newIdentity(t)
	d, path := newDir(t, ana.Recipient(), ben.Recipient())
	key := store(t, d, keyRecord("ci", "Ab12"))
	file := filepath.Join(path, "keys/ci.Ab12.json.age")
	stored := read(t, file)
	key.ID = "key-id"
	confirm(t, d, key)

	if d := cmp.Diff([]string{"keys/ci.Ab12.json.age"}, files(t, path)); d != "" {
		t.Fatal(d)
	}
	want := key
	want.Version = 0 // the file name says it
	for _, identity := range []age.Identity{ana, ben} {
		if d := cmp.Diff(revealed([]secrets.Record{want}), revealed([]secrets.Record{decrypt(t, file, identity)})); d != "" {
			t.Error(d)
		}
	}
	for title, data := range map[string][]byte{"stored": stored, "confirmed": read(t, file)} {
		if bytes.Contains(data, []byte(key.KeySecret.Reveal())) || bytes.Contains(data, []byte(key.KeyID)) {
			t.Errorf("%s in the clear", title)
		}
		if _, err := age.Decrypt(bytes.NewReader(data), newIdentity(t)); err == nil {
			t.Errorf("%s for anybody", title)
		}
	}
}

// What cannot be read back cannot be used again: the secret of a creation that goes on is the next version of its mark, and
// nothing that was stored is replaced.
func TestSealedDirGivesTheNextVersion(t *testing.T) {
	identity := newIdentity(t)
	d, path := newDir(t, identity.Recipient())
	first := store(t, d, serviceRecord("orders", "n0nce"))
	before := read(t, filepath.Join(path, "services/orders.n0nce.json.age"))

	checkFound(t, d, secrets.Service, "orders", "n0nce")
	second := store(t, d, serviceRecord("orders", "n0nce"))
	second.ID = "service-id"
	confirm(t, d, second)
	if first.Version != 1 || second.Version != 2 {
		t.Errorf("versions %d and %d, want 1 and 2", first.Version, second.Version)
	}
	want := []string{"services/orders.n0nce.2.json.age", "services/orders.n0nce.json.age"}
	if d := cmp.Diff(want, files(t, path)); d != "" {
		t.Error(d)
	}
	if !bytes.Equal(before, read(t, filepath.Join(path, want[1]))) {
		t.Error("the first record was replaced")
	}
	if got := decrypt(t, filepath.Join(path, want[0]), identity); got.Password.Reveal() != second.Password.Reveal() || got.ID != "service-id" {
		t.Errorf("the second record is not the one that was confirmed")
	}
}

// A directory may hold both forms when recipients come or go between two runs. The highest version counts: where that one is
// encrypted, an older one in the clear is not found.
func TestDirWithPlainAndSealedRecords(t *testing.T) {
	identity := newIdentity(t)
	plain, path := newDir(t)
	encrypted, err := secrets.NewDir(path, identity.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	first := store(t, plain, serviceRecord("orders", "n0nce"))
	checkFound(t, plain, secrets.Service, "orders", "n0nce", first)
	checkFound(t, encrypted, secrets.Service, "orders", "n0nce")

	second := store(t, encrypted, serviceRecord("orders", "n0nce"))
	checkFound(t, plain, secrets.Service, "orders", "n0nce")

	third := store(t, plain, serviceRecord("orders", "n0nce"))
	checkFound(t, plain, secrets.Service, "orders", "n0nce", third)
	if d := cmp.Diff([]int{1, 2, 3}, []int{first.Version, second.Version, third.Version}); d != "" {
		t.Error(d)
	}
}

func TestNewDirRefusesRecipientsThatDoNotMix(t *testing.T) {
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "secrets")
	if _, err := secrets.NewDir(path, newIdentity(t).Recipient(), hybrid.Recipient()); err == nil {
		t.Fatal("no error")
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the directory was made all the same: %v", err)
	}
}

func TestParseRecipient(t *testing.T) {
	native := newIdentity(t)
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	ed25519Text, ed25519Identity := sshEd25519(t)
	rsaText, rsaIdentity := sshRSA(t)
	for title, c := range map[string]struct {
		text     string
		identity age.Identity
	}{
		"age":              {native.Recipient().String(), native},
		"age, with blanks": {" " + native.Recipient().String() + "\n", native},
		"post-quantum":     {hybrid.Recipient().String(), hybrid},
		"ssh-ed25519":      {ed25519Text, ed25519Identity},
		"ssh-rsa":          {rsaText, rsaIdentity},
	} {
		t.Run(title, func(t *testing.T) {
			checkRecipient(t, c.text, c.identity)
		})
	}
}

// sshEd25519 gives a new public key, as it stands in a .pub file, and who can read what is encrypted to it.
func sshEd25519(t *testing.T) (string, age.Identity) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := agessh.NewEd25519Identity(private)
	if err != nil {
		t.Fatal(err)
	}
	return authorizedKey(t, public), identity
}

func sshRSA(t *testing.T) (string, age.Identity) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := agessh.NewRSAIdentity(private)
	if err != nil {
		t.Fatal(err)
	}
	return authorizedKey(t, private.Public()), identity
}

func authorizedKey(t *testing.T, public crypto.PublicKey) string {
	t.Helper()
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " ana@example.com\n"
}

// checkRecipient has a Dir encrypt to a recipient and reads the file as whoever holds the identity would.
func checkRecipient(t *testing.T, text string, identity age.Identity) {
	t.Helper()
	recipient, err := secrets.ParseRecipient(text)
	if err != nil {
		t.Fatal(err)
	}
	d, path := newDir(t, recipient)
	want := store(t, d, keyRecord("ci", "Ab12"))
	if got := decrypt(t, filepath.Join(path, "keys/ci.Ab12.json.age"), identity); got.KeySecret.Reveal() != want.KeySecret.Reveal() {
		t.Error("another secret came out than went in")
	}
}

func TestParseRecipientRefuses(t *testing.T) {
	native := newIdentity(t)
	for title, text := range map[string]string{
		"nothing":        "",
		"a private key":  native.String(),
		"a file":         "recipients.txt",
		"damaged":        strings.Replace(native.Recipient().String(), "age1", "age1q", 1),
		"damaged hybrid": "age1pq1qqqq",
		"plugin":         "age1yubikey1qwl3h2d5",
		"elliptic SSH":   "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY=",
		"damaged SSH":    "ssh-ed25519 AAAA",
		"foreign SSH":    "ssh-dss AAAAB3NzaC1kc3M=",
		"an SSH file":    "-----BEGIN OPENSSH PRIVATE KEY-----\nc4n4ry",
	} {
		t.Run(title, func(t *testing.T) {
			r, err := secrets.ParseRecipient(text)
			if err == nil || r != nil {
				t.Fatalf("recipient %v, error %v", r, err)
			}
			if strings.Contains(err.Error(), native.String()) || strings.Contains(err.Error(), "c4n4ry") {
				t.Errorf("the error repeats a private key: %v", err)
			}
		})
	}
}
