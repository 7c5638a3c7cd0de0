package config

import (
	"fmt"
	"net/mail"
	"net/netip"
	"regexp"
)

// SMTP is a mail server, and who gets mail by it.
type SMTP struct {
	Host     string   `yaml:"host" jsonschema:"required,example=smtp.example.com" jsonschema_description:"The mail server that takes the messages."`
	Port     int      `yaml:"port" jsonschema:"default=587" jsonschema_description:"Its port."`
	User     string   `yaml:"user" jsonschema:"example=trueup" jsonschema_description:"The user to log in as, if the server wants one."`
	Password Secret   `yaml:"password" jsonschema_description:"The user's password."`
	From     string   `yaml:"from" jsonschema:"required,example=Trueup <trueup@example.com>" jsonschema_description:"The address that the mail comes from."`
	To       []string `yaml:"to" jsonschema:"required" jsonschema_description:"The addresses that get each message."`
	StartTLS string   `yaml:"starttls" jsonschema:"enum=required,enum=off,default=required" jsonschema_description:"required encrypts the connection and checks the server's certificate, or sends nothing; off encrypts nothing."`
}

// The values of starttls.
const (
	StartTLSRequired = "required"
	StartTLSOff      = "off"
)

const (
	submission  = 587
	implicitTLS = 465
)

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$`)

func (s *SMTP) setDefaults() { s.Port, s.StartTLS = submission, StartTLSRequired }

func (v *validator) smtp(path string, s SMTP) {
	switch {
	case s.Host == "":
		v.invalid(path+".host", "it is missing", "write the mail server's name, such as smtp.example.com")
	case !serverName(s.Host):
		v.invalid(path+".host", "it is not the name or address of a server", "write the name alone, such as smtp.example.com, and its port under port")
	}
	switch {
	case s.Port == implicitTLS:
		v.invalid(path+".port", "465 encrypts without STARTTLS, which Trueup does not do", "write the server's port for STARTTLS, usually 587")
	case s.Port < 1 || s.Port > 65535:
		v.invalid(path+".port", fmt.Sprintf("%d is not a port", s.Port), "write one from 1 to 65535, usually 587")
	}
	v.word(path+".starttls", s.StartTLS, StartTLSRequired, StartTLSOff)
	switch {
	case s.User != "" && s.Password == "":
		v.invalid(path+".password", "it is missing", "write the password of the user, or remove user if the server wants none")
	case s.User == "" && s.Password != "":
		v.invalid(path+".user", "it is missing", "write the user whose password it is, or remove password")
	case s.User != "" && s.StartTLS == StartTLSOff && !Loopback(s.Host):
		v.invalid(path+".starttls", "off would send the password unencrypted to another machine", "write required, or remove user and password")
	}
	v.mailbox(path+".from", s.From)
	if len(s.To) == 0 {
		v.invalid(path+".to", "it is missing", "write at least one address, such as [ana@example.com]")
	}
	seen := map[string]bool{}
	for i, to := range s.To {
		at := fmt.Sprintf("%s.to[%d]", path, i)
		v.mailbox(at, to)
		if a, err := mail.ParseAddress(to); err == nil {
			if seen[a.Address] {
				v.invalid(at, "the address is there twice", "remove one of them")
			}
			seen[a.Address] = true
		}
	}
}

// mailbox checks one e-mail address, with or without a name.
func (v *validator) mailbox(path, value string) {
	if value == "" {
		v.invalid(path, "it is missing", "write an email address, such as trueup@example.com")
	} else if _, err := mail.ParseAddress(value); err != nil {
		v.invalid(path, v.show(path, value)+" is not an email address", "write one such as ana@example.com, or in quotes \"Ana <ana@example.com>\"")
	}
}

// serverName reports whether a text is an IP address or can be a host's name.
func serverName(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return hostName.MatchString(host)
}

// Loopback reports whether a host is this machine: a secret may go there without TLS.
func Loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
