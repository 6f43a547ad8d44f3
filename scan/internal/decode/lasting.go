package decode

import "strings"

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
	words := strings.FieldsFunc(strings.ToLower(path[:min(len(path), maxMemo)]), func(r rune) bool {
		return r == '/' || r == '-' || r == '_' || r == '.' || r == ':'
	})
	for _, l := range lastingWords {
		for _, w := range words {
			if w == l.word {
				return l.kind
			}
		}
	}
	return ""
}
