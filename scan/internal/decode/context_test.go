package decode_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

func key() model.Key { return model.NewKey([]byte("0123456789abcdef0123456789abcdef")) }

func newContext(t testing.TB) *decode.Context {
	t.Helper()
	c, err := decode.NewContext(&model.Incident{
		Routes:         []model.Route{{Path: "/static/js/*"}, {Path: "/static/css/**"}, {Host: "*.cdn.example.com", Path: "/**/*.png"}},
		Cookie:         model.Cookie{Names: []string{"sid"}, Framed: []string{"/embed/*", "www.example.com/share/**"}},
		DataCategories: []model.Category{{Path: "/api/videos/**", Name: "video metadata"}},
	}, key())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRoute(t *testing.T) {
	c := newContext(t)
	for _, tt := range []struct {
		host, path string
		want       int
	}{
		{"app.example.com", "/static/js/app.js", 0},
		{"app.example.com", "/static/js/", 0},
		{"app.example.com", "/static/js/a/b.js", model.NoRoute},
		{"app.example.com", "/Static/js/a.js", model.NoRoute},
		{"app.example.com", "/x/static/js/a.js", model.NoRoute},
		{"app.example.com", "/static/css/a/b/c.css", 1},
		{"app.example.com", "/static/css", 1},
		{"app.example.com", "/static/cssx", model.NoRoute},
		{"img.cdn.example.com", "/a.png", 2},
		{"IMG.CDN.EXAMPLE.COM", "/a/b/c.png", 2},
		{"a.b.cdn.example.com", "/a.png", model.NoRoute},
		{"app.example.com", "/a.png", model.NoRoute},
		{"", "/a.png", 2}, // host not known
		{"app.example.com", "/static/js/\xff\n.js", 0},
		{"app.example.com", "", model.NoRoute},
	} {
		if got := c.Route(tt.host, tt.path); got != tt.want {
			t.Errorf("Route(%q, %q) = %d, want %d", tt.host, tt.path, got, tt.want)
		}
	}
	if c.Category("/api/videos/1/x") != 0 || c.Category("/api/users") != -1 {
		t.Error("Category")
	}
}

func TestNewContextError(t *testing.T) {
	_, err := decode.NewContext(&model.Incident{Routes: []model.Route{{Path: "/a"}, {Path: "*.js"}}}, key())
	if err == nil || !strings.Contains(err.Error(), "routes[1].path") || !strings.Contains(err.Error(), "/**/*.js") {
		t.Errorf("error %v does not say where and what to do", err)
	}
}

func TestPattern(t *testing.T) {
	c := newContext(t)
	for path, want := range map[string]string{
		"":                               "",
		"/":                              "/",
		"*":                              "*",
		"/static/js/app.3f9c2b.js":       "/static/js/*",
		"/api/videos/8841/comments":      "/api/videos/**",
		"/api/v2/users/8841":             "/api/v2/users/*",
		"/share/9f86d081884c7d65/view":   "/share/*/*",
		"/assets/app.min.css":            "/assets/*.css",
		"/assets/photo.JPG":              "/assets/*.jpg",
		"/assets/alice.smith":            "/assets/*",
		"/reset/eyJhbGciOiJIUzI1NiJ9/":   "/reset/*/",
		"/u/aZbYcXdWeVfUgT/x":            "/u/*/*",
		"/averyveryverylongwordindeed/x": "/*/*",
		"/a/b/c/d/e/f/g/h.js":            "/a/b/c/d/e/**",
		"/a/b/c/d/e/f.js":                "/a/b/c/d/e/*.js",
		"/download/%2e%2e/ü/x":           "/download/*/*/*",
	} {
		if got := c.Pattern(path); got != want {
			t.Errorf("Pattern(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestSession(t *testing.T) {
	c := newContext(t)
	const claims = "eyJwYXNzcG9ydCI6eyJ1c2VyIjo0Mn0sIm4iOiJ4In0" // {"passport":{"user":42},"n":"x"}
	for _, tt := range []struct {
		name, raw string
		form      model.SessionForm
		same      string // the value it must be digested as
		bad       bool
	}{
		{"as it is", "abc", model.SessionForm{}, "abc", false},
		{"Express", "s%3Aabc.sig%2Fx", model.SessionForm{Decode: []string{"percent"}, StripPrefix: "s:", CutAt: "."}, "abc", false},
		{"prefix not there", "abc", model.SessionForm{StripPrefix: "s:"}, "abc", false},
		{"hashed", "abc", model.SessionForm{Hash: "sha256-hex"}, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", false},
		{"hashed, base64url", "abc", model.SessionForm{Hash: "sha256-base64url"}, "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0", false},
		{"sha1", "abc", model.SessionForm{Hash: "sha1-hex"}, "a9993e364706816aba3e25717850c26c9cd0d89d", false},
		{"md5", "abc", model.SessionForm{Hash: "md5-hex"}, "900150983cd24fb0d6963f7d28e17f72", false},
		{"claim in base64", claims, model.SessionForm{Claim: "passport.user"}, "42", false},
		{"claim after decoding", claims, model.SessionForm{Decode: []string{"base64url"}, Claim: "n"}, "x", false},
		{"claim of a JWT", "eyJhbGciOiJub25lIn0." + claims + ".c2ln", model.SessionForm{Claim: "n"}, "x", false},
		{"claim, then hash", `{"n":"abc"}`, model.SessionForm{Claim: "n", Hash: "md5-hex"}, "900150983cd24fb0d6963f7d28e17f72", false},
		{"hex", "616263", model.SessionForm{Decode: []string{"hex"}}, "abc", false},
		{"padded base64", "YWJjZA==", model.SessionForm{Decode: []string{"base64"}}, "abcd", false},
		{"not base64", "a*secret*", model.SessionForm{Decode: []string{"base64"}}, "a*secret*", true},
		{"no such claim", `{"secret":"n"}`, model.SessionForm{Claim: "a.b"}, `{"secret":"n"}`, true},
		{"claim of no JSON", "secret!", model.SessionForm{Claim: "a"}, "secret!", true},
		{"nothing left", ".secret", model.SessionForm{CutAt: "."}, ".secret", true},
		{"unknown hash", "secret", model.SessionForm{Hash: "rot13"}, "secret", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := c.NewMemo().Session([]byte(tt.raw), tt.form)
			if want := key().Digest("session", []byte(tt.same)); got != want {
				t.Errorf("digested as something other than %q", tt.same)
			}
			if (err != nil) != tt.bad || err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v", err)
			}
		})
	}
	if id, err := c.NewMemo().Session(nil, model.SessionForm{}); !id.IsZero() || err != nil {
		t.Error("an absent session has an id")
	}
}

func TestShape(t *testing.T) {
	for raw, want := range map[string]string{
		"":                                     "empty",
		strings.Repeat("0f", 32):               "64 hex",
		strings.Repeat("12", 8):                "16 digits",
		strings.Repeat("aZ_", 14) + "x":        "43 base64url",
		strings.Repeat("aZ+", 14) + "x=":       "44 base64",
		"3fa85f64-5717-4562-b3fc-2c963f66afa6": "uuid",
		"s:abc.def":                            "s:… signed",
		"s%3Aabc.def":                          "s%3A… signed, percent-encoded",
		`{"a":1}`:                              "JSON",
		"eyJh.eyJi.c2ln":                       "JWT",
		"a%2Bb!":                               "6 percent-encoded",
		"hello world":                          "11 characters",
		strings.Repeat("a b", 1000):            "≥512 characters",
		"==":                                   "2 base64url",
	} {
		if got := decode.Shape(raw); got != want {
			t.Errorf("Shape(%.20q) = %q, want %q", raw, got, want)
		}
	}
}

func TestRefererClass(t *testing.T) {
	c := newContext(t)
	for _, tt := range []struct {
		host, referer string
		want          model.RefererClass
	}{
		{"www.example.com", "", model.RefererNone},
		{"www.example.com", "about:blank", model.RefererNone},
		{"www.example.com", "not a url", model.RefererNone},
		{"www.example.com", "https://www.example.com/a?b=%zz", model.RefererSameHost},
		{"www.example.com:443", "https://WWW.example.com.:8443/", model.RefererSameHost},
		{"www.example.com", "https://app.example.com/", model.RefererSameSite},
		{"www.example.co.uk", "https://other.co.uk/", model.RefererCrossSite},
		{"d1.cloudfront.net", "https://d2.cloudfront.net/", model.RefererCrossSite}, // a public suffix
		{"www.example.com", "https://example.org/", model.RefererCrossSite},
		{"www.example.com", "https://example.org/embed/1", model.RefererCrossSite},
		{"www.example.com", "https://app.example.com/embed/1?autoplay=1", model.RefererFramed},
		{"www.example.com", "https://www.example.com/share/a/b", model.RefererFramed},
		{"www.example.com", "https://app.example.com/share/a/b", model.RefererSameSite},
		{"www.example.com", "https://u:p@www.example.com@example.org/", model.RefererCrossSite},
		{"192.0.2.1", "http://192.0.2.1/", model.RefererSameHost},
		{"192.0.2.1", "http://198.51.2.1/", model.RefererCrossSite},
		{"[2001:db8::1]", "http://[2001:db8::1]:8080/", model.RefererSameHost},
		{"localhost", "http://localhost:3000/", model.RefererSameHost},
		{"www.example.com", "android-app://com.example.mail", model.RefererCrossSite},
	} {
		if got := c.RefererClass(tt.host, tt.referer); got != tt.want {
			t.Errorf("RefererClass(%q, %q) = %d, want %d", tt.host, tt.referer, got, tt.want)
		}
	}
}

func TestClientKind(t *testing.T) {
	const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0.0 Safari/537.36"
	for ua, want := range map[string]model.ClientKind{
		"":          model.ClientUnknown,
		"something": model.ClientUnknown,
		chrome:      model.ClientBrowser,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:110.0) Gecko/20100101 Firefox/110.0": model.ClientBrowser,
		chrome + " Electron/22.0.0": model.ClientBrowser,
		"Mozilla/5.0 (Linux; Android 13; Pixel 7; wv) AppleWebKit/537.36 Version/4.0 Chrome/110.0 Mobile Safari/537.36": model.ClientBrowser,
		"Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/110.0 Mobile Safari/537.36":                model.ClientBrowser,
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                                      model.ClientBot,
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/110.0 Safari/1":             model.ClientBot,
		"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)":                                                    model.ClientBot,
		"facebookexternalhit/1.1": model.ClientBot,
		"Twitterbot":              model.ClientBot,
		"okhttp/4.9.3":            model.ClientApp,
		"Example/12 CFNetwork/1404.0.5 Darwin/22.3.0":  model.ClientApp,
		"Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7)": model.ClientApp,
		"curl/7.88.1":                                                    model.ClientTool,
		"python-requests/2.28.2":                                         model.ClientTool,
		"cargo 1.74.0 (ecb9851af 2023-10-18)":                            model.ClientTool,
		strings.Replace(chrome, "Chrome/", "HeadlessChrome/", 1):         model.ClientTool,
		"Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)":          model.ClientMonitor,
		chrome + " DatadogSynthetics":                                    model.ClientMonitor,
		"Amazon-Route53-Health-Check-Service (ref example)":              model.ClientMonitor,
		"Mozilla/5.0 (compatible; UptimeRobot/2.0; http://example.com/)": model.ClientMonitor,
	} {
		if got := decode.ClientKind(ua); got != want {
			t.Errorf("ClientKind(%q) = %d, want %d", ua, got, want)
		}
	}
}

// TestMemo checks that remembering changes nothing, beyond the size of a
// table too, and that workers can share a Context.
func TestMemo(t *testing.T) {
	c := newContext(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			m := c.NewMemo()
			for i := range 20_000 {
				path := "/static/js/" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i%1100)
				p := m.Place("app.example.com", []byte(path))
				if p.Route != 0 || p.Pattern != "/static/js/*" || i%997 == 0 && p.Path != key().Digest("path", []byte(path)) {
					t.Errorf("Place %d = %+v", i, p)
					return
				}
			}
		})
	}
	wg.Wait()
	m := c.NewMemo()
	if a, ok := m.Addr([]byte("::ffff:192.0.2.7")); !ok || a.String() != "192.0.2.7" {
		t.Errorf("Addr = %v", a)
	}
	for range 2 {
		if _, ok := m.Addr([]byte("localhost")); ok {
			t.Error("localhost is an address")
		}
	}
	if id, _ := m.Agent([]byte("Amazon CloudFront")); !id.IsZero() {
		t.Error("the CDN's own User-Agent passes for a client's")
	}
}

func TestLasting(t *testing.T) {
	for path, want := range map[string]string{
		"/api/workspaces/7/invites": "invite", "/api/invite/token": "invite", "/api/v1/api-keys": "key",
		"/oauth/authorize": "grant", "/account/change_email": "credentials", "/keyboard": "", "": "", "/api/videos/7": "",
	} {
		if got := decode.Lasting(path); got != want {
			t.Errorf("Lasting(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestEntrance(t *testing.T) {
	for path, want := range map[string]bool{
		"/login": true, "/api/v2/sessions": true, "/users/sign-in": false, "/auth/saml/acs": true, "/Login/": true,
		"/library": false, "/static/js/login.8f2c.js": true, "/api/loginless": false, "": false,
	} {
		if got := decode.Entrance(path); got != want {
			t.Errorf("Entrance(%q) = %v", path, got)
		}
	}
}
