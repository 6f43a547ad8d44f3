package decode

import (
	"slices"
	"strings"
)

// lastingWords are words of paths under which a write leaves something behind
// that outlives the session: revoking it is not enough. Order matters: a
// token of an invitation is an invitation.
var lastingWords = [...]struct{ word, kind string }{
	{"invite", "invite"}, {"invites", "invite"}, {"invitation", "invite"}, {"invitations", "invite"}, {"members", "invite"},
	{"key", "key"}, {"keys", "key"}, {"apikey", "key"}, {"apikeys", "key"}, {"token", "key"}, {"tokens", "key"},
	{"webhook", "key"}, {"webhooks", "key"},
	{"grant", "grant"}, {"grants", "grant"}, {"oauth", "grant"}, {"oauth2", "grant"}, {"authorize", "grant"},
	{"consent", "grant"}, {"integrations", "grant"},
	{"email", "credentials"}, {"emails", "credentials"}, {"password", "credentials"}, {"passwords", "credentials"},
	{"mfa", "credentials"}, {"2fa", "credentials"}, {"totp", "credentials"}, {"passkey", "credentials"}, {"passkeys", "credentials"},
}

// Lasting says what a write to path may leave behind that outlives the
// session, going by the words in it: "invite", "key", "grant", "credentials",
// or "" if nothing is known. It is a hint for people to look, not a finding.
func Lasting(path string) string {
	words := pathWords(path)
	for _, l := range lastingWords {
		for _, w := range words {
			if w == l.word {
				return l.kind
			}
		}
	}
	return ""
}

// entranceWords are words of paths at which people log in.
var entranceWords = [...]string{"login", "logon", "signin", "sso", "saml", "oauth", "session", "sessions", "authenticate"}

// Entrance reports whether path is one at which people log in, going by the
// words in it.
func Entrance(path string) bool {
	return slices.ContainsFunc(pathWords(path), func(word string) bool { return slices.Contains(entranceWords[:], word) })
}

func pathWords(path string) []string {
	return strings.FieldsFunc(strings.ToLower(path[:min(len(path), maxMemo)]), func(r rune) bool {
		return r == '/' || r == '-' || r == '_' || r == '.' || r == ':'
	})
}
