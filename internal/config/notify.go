package config

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones are the same where the machine has none
	"unicode/utf8"

	"github.com/trueup-sync/trueup/internal/status"
)

// Notify is where people are told.
type Notify struct {
	Slack   *Slack   `yaml:"slack" jsonschema_description:"A Slack app that posts exceptions to channels."`
	Webhook *Webhook `yaml:"webhook" jsonschema_description:"An address that gets each alarm and each group of exceptions as signed JSON."`
	SMTP    *SMTP    `yaml:"smtp" jsonschema_description:"A mail server that sends the same messages as email."`
}

// Slack is a Slack app's credentials and the channels it posts to. It has
// either a bot token or an incoming webhook.
type Slack struct {
	BotToken      Secret   `yaml:"bot_token" jsonschema_description:"The app's bot token, xoxb-…"`
	SigningSecret Secret   `yaml:"signing_secret" jsonschema_description:"The app's signing secret, for buttons that reach this server at /slack/interactions."`
	AppToken      Secret   `yaml:"app_token" jsonschema_description:"An app-level token, xapp-…, for buttons over Socket Mode if Slack cannot reach this server."`
	WebhookURL    Secret   `yaml:"webhook_url" jsonschema_description:"An incoming webhook instead of a bot token: no buttons, no updates, one channel."`
	Channel       string   `yaml:"channel" jsonschema:"example=#customer-status" jsonschema_description:"The channel's name, in quotes because of the #, or its id."`
	Channels      Channels `yaml:"channels" jsonschema_description:"Other channels, by sync and by kind of exception; a kind's channel takes precedence over a sync's."`
	Digest        *Digest  `yaml:"digest" jsonschema_description:"One message a day with all that is open."`
	BaseURL       string   `yaml:"base_url" jsonschema:"example=https://slack.com/api" jsonschema_description:"The address of Slack's API, a proxy or a test server."`
}

// Channels are the channels of some syncs and kinds.
type Channels struct {
	Syncs map[string]string `yaml:"syncs" jsonschema_description:"The channel of a sync."`
	Kinds map[string]string `yaml:"kinds" jsonschema_description:"The channel of a kind of exception, for all syncs."`
}

// Digest is when the daily message is sent.
type Digest struct {
	At   string `yaml:"at" jsonschema:"required,example=08:30" jsonschema_description:"The time of day, in quotes."`
	Zone string `yaml:"zone" jsonschema:"default=UTC,example=Europe/Berlin" jsonschema_description:"The IANA time zone, such as America/New_York."`
}

// Person is somebody whom owners name by e-mail.
type Person struct {
	Name  string `yaml:"name" jsonschema:"example=Ana" jsonschema_description:"The person's name in messages."`
	Slack string `yaml:"slack" jsonschema:"example=U012AB3CD" jsonschema_description:"The person's member id in Slack, for mentions and buttons."`
}

func (d *Digest) setDefaults() { d.Zone = "UTC" }

// ChannelFor returns where exceptions of a kind of a sync are told: the kind's
// channel, the sync's, or the one for all.
func (s Slack) ChannelFor(sync string, kind status.Kind) string {
	if c := s.Channels.Kinds[string(kind)]; c != "" {
		return c
	}
	if c := s.Channels.Syncs[sync]; c != "" {
		return c
	}
	return s.Channel
}

// On returns the moment of the digest on the day that t is in the zone.
func (d Digest) On(t time.Time) (day string, moment time.Time) {
	zone, err := time.LoadLocation(d.Zone)
	at, bad := time.Parse(timeOfDay, d.At)
	if err != nil || bad != nil { // a valid Config has neither
		return "", time.Time{}
	}
	t = t.In(zone)
	return t.Format(time.DateOnly), time.Date(t.Year(), t.Month(), t.Day(), at.Hour(), at.Minute(), 0, 0, zone)
}

const timeOfDay = "15:04"

var (
	channelName = regexp.MustCompile(`^#[\p{Ll}\p{Lo}\p{N}_-]+$`)
	channelID   = regexp.MustCompile(`^[CG][A-Z0-9]{2,20}$`)
	memberID    = regexp.MustCompile(`^[UW][A-Z0-9]{2,20}$`)
)

// isChannelName reports whether a name with its # can be a channel's: up to 80
// characters. The expression does not count them: eighty times the classes of
// all letters would take 5 MB and some time at each start of the program.
func isChannelName(name string) bool {
	return utf8.RuneCountInString(name) <= len("#")+80 && channelName.MatchString(name)
}

func (v *validator) notify(path string, n Notify) {
	if n.Webhook != nil {
		v.webhook(path+".webhook", *n.Webhook)
	}
	if n.SMTP != nil {
		v.smtp(path+".smtp", *n.SMTP)
	}
	if n.Slack == nil {
		return
	}
	path += ".slack"
	s := *n.Slack
	switch {
	case s.BotToken == "" && s.WebhookURL == "":
		v.invalid(path+".bot_token", "it is missing", "write the app's bot token, or webhook_url for messages without buttons")
	case s.BotToken != "" && s.WebhookURL != "":
		v.invalid(path+".webhook_url", "bot_token is set as well", "keep one of them: with the bot token messages have buttons and are kept up to date")
	case s.WebhookURL != "":
		v.slackWebhook(path, s)
	default:
		v.slackApp(path, s)
	}
	if s.Digest != nil {
		v.digest(path+".digest", *s.Digest)
	}
	v.httpURL(path+".base_url", s.BaseURL)
}

// slackApp checks an app with a bot token.
func (v *validator) slackApp(path string, s Slack) {
	v.prefix(path+".bot_token", s.BotToken, "xoxb-", "a bot token", "the Bot User OAuth Token from OAuth & Permissions")
	if s.AppToken != "" {
		v.prefix(path+".app_token", s.AppToken, "xapp-", "an app-level token", "one with connections:write from Basic Information")
	}
	if s.SigningSecret == "" && s.AppToken == "" {
		v.invalid(path+".signing_secret", "it is missing", "write the app's signing secret, or app_token if Slack cannot reach this server; buttons need one of them")
	}
	v.channel(path+".channel", s.Channel)
	for _, name := range slices.Sorted(maps.Keys(s.Channels.Syncs)) {
		at := join(path+".channels.syncs", name)
		if _, ok := v.config.Syncs[name]; !ok {
			v.invalid(at, "no such sync", didYouMean(name, slices.Sorted(maps.Keys(v.config.Syncs)), "syncs"))
		}
		v.channel(at, s.Channels.Syncs[name])
	}
	kinds := ownerKeys()[1:] // without default
	for _, name := range slices.Sorted(maps.Keys(s.Channels.Kinds)) {
		at := join(path+".channels.kinds", name)
		if !slices.Contains(kinds, name) {
			v.invalid(at, "no such kind of exception", didYouMean(name, kinds, "kinds"))
		}
		v.channel(at, s.Channels.Kinds[name])
	}
}

// slackWebhook checks an incoming webhook, which Slack binds to one channel.
func (v *validator) slackWebhook(path string, s Slack) {
	u, err := url.Parse(s.WebhookURL.Reveal())
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		v.invalid(path+".webhook_url", "it is not an absolute URL", "copy the webhook's address, https://hooks.slack.com/services/…")
	}
	for _, key := range []string{"signing_secret", "app_token", "channel", "channels", "base_url"} {
		if v.set(path+"."+key) || v.set(path+"."+key+fileSuffix) {
			v.invalid(path+"."+key, "it has no effect with webhook_url", "remove it: a webhook has one channel and no buttons; bot_token, in place of webhook_url, has both")
		}
	}
}

// prefix checks how a token begins, which tells what it is for.
func (v *validator) prefix(path string, token Secret, want, what, remedy string) {
	if !strings.HasPrefix(token.Reveal(), want) {
		v.invalid(path, "it is not "+what, "write "+remedy+"; it begins with "+want)
	}
}

func (v *validator) channel(path, name string) {
	switch {
	case name == "":
		v.invalid(path, "it is missing", `write the channel, such as "#customer-status" in quotes`)
	case channelID.MatchString(name) || isChannelName(name):
	case !strings.HasPrefix(name, "#") && isChannelName("#"+name):
		v.invalid(path, v.show(path, name)+" does not begin with #", "put # in front of it, and put it all in quotes")
	default:
		v.invalid(path, v.show(path, name)+" is not a valid channel name", `write it in quotes and lowercase, such as "#customer-status", or the channel's id`)
	}
}

func (v *validator) digest(path string, d Digest) {
	if at, err := time.Parse(timeOfDay, d.At); err != nil || at.Format(timeOfDay) != d.At {
		v.invalid(path+".at", v.show(path+".at", d.At)+" is not a time of day", `write one such as "08:30", in quotes`)
	}
	if _, err := time.LoadLocation(d.Zone); err != nil || d.Zone == "" || d.Zone == "Local" {
		v.invalid(path+".zone", v.show(path+".zone", d.Zone)+" is not a time zone", "write an IANA time zone, such as America/New_York")
	}
}

func (v *validator) people(path string, people map[string]Person) {
	by := map[string]string{}
	for _, mail := range slices.Sorted(maps.Keys(people)) {
		p, at := people[mail], join(path, mail)
		if name, host, ok := strings.Cut(mail, "@"); !ok || name == "" || host == "" || strings.ContainsAny(mail, " \t") {
			v.invalid(at, "the name is not an email address", "write one such as ana@example.com, as the owner fields have it")
		}
		if p.Name == "" && p.Slack == "" {
			v.invalid(at, "it is empty", "write name, slack or both")
		}
		if utf8.RuneCountInString(p.Name) > 80 {
			v.invalid(at+".name", "it is longer than 80 characters", "write a shorter one")
		}
		if p.Slack == "" {
			continue
		}
		if !memberID.MatchString(p.Slack) {
			v.invalid(at+".slack", v.show(at+".slack", p.Slack)+" is not a valid member id", "copy it from the person's profile in Slack (⋮, Copy member ID); it looks like U012AB3CD")
		}
		if other, taken := by[p.Slack]; taken {
			v.invalid(at+".slack", fmt.Sprintf("%s has it too", other), "give each person their own member id: it shows who pressed a button")
		}
		by[p.Slack] = mail
	}
}
