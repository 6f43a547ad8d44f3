package decode

import (
	"strings"

	"github.com/spillscope/spillscope/model"
)

// agentToken is a piece of a lower-case User-Agent that tells what sent it.
type agentToken struct {
	token string
	kind  model.ClientKind
}

// agentTokens are tried in order; the first that occurs decides. Probes come
// before bots because many are named so; both come before browsers because
// both pretend to be one; tools come last because their names are short and
// occur in others' (Java, PHP, Ruby).
var agentTokens = [...]agentToken{
	{"pingdom", model.ClientMonitor}, {"uptimerobot", model.ClientMonitor}, {"statuscake", model.ClientMonitor},
	{"datadog", model.ClientMonitor}, {"newrelicpinger", model.ClientMonitor}, {"newrelicsynthetics", model.ClientMonitor},
	{"stackdrivermonitoring", model.ClientMonitor}, {"route53-health-check", model.ClientMonitor}, {"route 53 health check", model.ClientMonitor},
	{"elb-healthchecker", model.ClientMonitor}, {"cloudwatchsynthetics", model.ClientMonitor}, {"site24x7", model.ClientMonitor},
	{"checkly", model.ClientMonitor}, {"better uptime", model.ClientMonitor}, {"betterstack", model.ClientMonitor},
	{"catchpoint", model.ClientMonitor}, {"hetrixtools", model.ClientMonitor}, {"uptime-kuma", model.ClientMonitor},
	{"updown.io", model.ClientMonitor}, {"freshping", model.ClientMonitor}, {"nodeping", model.ClientMonitor},
	{"zabbix", model.ClientMonitor}, {"nagios", model.ClientMonitor}, {"check_http", model.ClientMonitor},
	{"kube-probe", model.ClientMonitor}, {"blackbox", model.ClientMonitor}, {"dynatrace", model.ClientMonitor},
	{"ruxitsynthetic", model.ClientMonitor}, {"speedcurve", model.ClientMonitor}, {"ptst/", model.ClientMonitor},
	{"gtmetrix", model.ClientMonitor}, {"chrome-lighthouse", model.ClientMonitor}, {"grafana-k6-synthetic", model.ClientMonitor},

	{"monitor", model.ClientMonitor}, {"uptime", model.ClientMonitor}, {"healthcheck", model.ClientMonitor}, {"synthetic", model.ClientMonitor},

	{"googlebot", model.ClientBot}, {"google-inspectiontool", model.ClientBot}, {"google-read-aloud", model.ClientBot},
	{"googleother", model.ClientBot}, {"mediapartners-google", model.ClientBot}, {"feedfetcher", model.ClientBot},
	{"bingpreview", model.ClientBot}, {"facebookexternalhit", model.ClientBot}, {"meta-externalagent", model.ClientBot},
	{"facebookcatalog", model.ClientBot}, {"slackbot", model.ClientBot}, {"slack-imgproxy", model.ClientBot},
	{"whatsapp/", model.ClientBot}, {"skypeuripreview", model.ClientBot}, {"embedly", model.ClientBot},
	{"iframely", model.ClientBot}, {"ia_archiver", model.ClientBot}, {"archive.org", model.ClientBot},
	{"yahoo! slurp", model.ClientBot}, {"baiduspider", model.ClientBot}, {"bytespider", model.ClientBot},
	{"chatgpt-user", model.ClientBot}, {"perplexity-user", model.ClientBot}, {"claude-user", model.ClientBot},
	{"claude-web", model.ClientBot}, {"vkshare", model.ClientBot}, {"w3c_validator", model.ClientBot},
	{"cubot", model.ClientBrowser}, // a make of telephones, not a bot
	{"bot/", model.ClientBot}, {"bot;", model.ClientBot}, {"bot)", model.ClientBot}, {"bot ", model.ClientBot}, {"bot-", model.ClientBot},
	{"-bot", model.ClientBot}, {"crawler", model.ClientBot}, {"spider", model.ClientBot}, {"scrapy", model.ClientBot},
	{"+http", model.ClientBot}, {"+mailto:", model.ClientBot}, // where programs say whom to complain to; browsers never do
	{"http-preview", model.ClientBot}, {"link preview", model.ClientBot}, {"linkpreview", model.ClientBot},

	{"headlesschrome", model.ClientTool}, {"phantomjs", model.ClientTool}, {"selenium", model.ClientTool},
	{"puppeteer", model.ClientTool}, {"playwright", model.ClientTool}, {"cypress/", model.ClientTool},

	{"electron/", model.ClientBrowser}, {"; wv)", model.ClientBrowser}, {"webview", model.ClientBrowser},
	{"okhttp", model.ClientApp}, {"cfnetwork", model.ClientApp}, {"alamofire", model.ClientApp},
	{"dalvik", model.ClientApp}, {"applecoremedia", model.ClientApp}, {"exoplayer", model.ClientApp},
	{"stagefright", model.ClientApp}, {"dart/", model.ClientApp}, {"dart:io", model.ClientApp},
	{"volley", model.ClientApp}, {"reactnative", model.ClientApp}, {"unityplayer", model.ClientApp},

	{"chrome/", model.ClientBrowser}, {"crios/", model.ClientBrowser}, {"firefox/", model.ClientBrowser},
	{"fxios/", model.ClientBrowser}, {"edg", model.ClientBrowser}, {"opr/", model.ClientBrowser},
	{"opera", model.ClientBrowser}, {"safari/", model.ClientBrowser}, {"applewebkit/", model.ClientBrowser},
	{"trident/", model.ClientBrowser}, {"msie ", model.ClientBrowser}, {"gecko/", model.ClientBrowser},

	{"curl/", model.ClientTool}, {"wget", model.ClientTool}, {"libcurl", model.ClientTool},
	{"python", model.ClientTool}, {"aiohttp", model.ClientTool}, {"httpx", model.ClientTool},
	{"go-http-client", model.ClientTool}, {"java/", model.ClientTool}, {"apache-httpclient", model.ClientTool},
	{"axios", model.ClientTool}, {"node-fetch", model.ClientTool}, {"node.js", model.ClientTool}, {"undici", model.ClientTool},
	{"got (", model.ClientTool}, {"libwww-perl", model.ClientTool}, {"ruby", model.ClientTool},
	{"faraday", model.ClientTool}, {"guzzlehttp", model.ClientTool}, {"php/", model.ClientTool},
	{"postmanruntime", model.ClientTool}, {"insomnia", model.ClientTool}, {"httpie", model.ClientTool},
	{"powershell", model.ClientTool}, {"winhttp", model.ClientTool}, {"aws-cli", model.ClientTool},
	{"aws-sdk", model.ClientTool}, {"boto", model.ClientTool}, {"cargo ", model.ClientTool}, {"git/", model.ClientTool},
	{"apachebench", model.ClientTool}, {"jmeter", model.ClientTool}, {"k6/", model.ClientTool}, {"reqwest", model.ClientTool},
}

// ClientKind says what a User-Agent claims to be. Nothing that is claimed is
// nothing known.
func ClientKind(userAgent string) model.ClientKind {
	ua := strings.ToLower(userAgent[:min(len(userAgent), maxMemo)])
	for _, t := range agentTokens {
		if strings.Contains(ua, t.token) {
			return t.kind
		}
	}
	if strings.HasSuffix(ua, "bot") { // a name alone, without version
		return model.ClientBot
	}
	return model.ClientUnknown
}

// viaCDN is what an origin sees where the CDN does not forward the viewer's
// User-Agent. It says nothing about the client.
const viaCDN = "Amazon CloudFront"
