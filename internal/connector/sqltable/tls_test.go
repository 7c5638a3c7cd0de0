package sqltable

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/pem"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
)

// The certificate is checked against the authority and the name of the dsn; without
// that no password is sent.
func TestTheServersCertificateIsChecked(t *testing.T) {
	each(t, func(w *world) {
		made := httptest.NewTLSServer(nil)
		defer made.Close()
		ca := config.Secret(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate().Raw}))
		front := newFront(w, made.TLS.Certificates[0])
		s := w.customers()
		role := w.role(s, true)
		for name, tc := range map[string]struct {
			ca   config.Secret
			host string
			kind connector.FailureKind
			says string
		}{
			"of an authority that the file names": {ca, "127.0.0.1", "", ""},
			"of an authority that nobody knows":   {"", "127.0.0.1", connector.Misconfigured, "name that authority's certificate under ca_file"},
			"for another name":                    {ca, "localhost", connector.Misconfigured, "is for another name"},
		} {
			own := *s
			_, port, _ := net.SplitHostPort(front.address)
			own.TLS, own.CA, own.DSN = "", tc.ca, w.dsn(role, tc.host+":"+port)
			before := front.encrypted.Load()
			r, err := w.openAs(&own, true).Target.Read(w.Context(), "1")
			if tc.kind == "" {
				if err != nil || r.Value != "Active" || front.encrypted.Load() == before {
					w.Errorf("%s: %+v, %v, encrypted %d times", name, r, err, front.encrypted.Load())
				}
				continue
			}
			w.fails(err, tc.kind, tc.says)
			if front.encrypted.Load() != before {
				w.Errorf("%s: something was sent", name)
			}
		}
	})
}

// front is a server that encrypts, before one that does not.
type front struct {
	address   string
	encrypted atomic.Int64 // sessions that got through the handshake
}

func newFront(w *world, certificate tls.Certificate) *front {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { l.Close() })
	f := &front{address: l.Addr().String()}
	cfg := &tls.Config{Certificates: []tls.Certificate{certificate}}
	begin := f.postgres
	if w.engine == mysql {
		begin = f.mysql
	}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer near.Close()
				far, err := net.Dial("tcp", w.host)
				if err != nil {
					return
				}
				defer far.Close()
				begin(near, far, cfg)
			}()
		}
	}()
	return f
}

// postgres answers the request for encryption and hands on what comes after it.
func (f *front) postgres(near, far net.Conn, cfg *tls.Config) {
	request := make([]byte, 8)
	if _, err := io.ReadFull(near, request); err != nil || binary.BigEndian.Uint32(request[4:]) != 80877103 {
		return
	}
	near.Write([]byte("S"))
	secure := tls.Server(near, cfg)
	if secure.Handshake() != nil {
		return
	}
	f.encrypted.Add(1)
	go io.Copy(secure, far)
	io.Copy(far, secure)
}

// mysql says in the greeting that it encrypts. The request for that is one message
// that the server behind does not see, so those of the sign-in are one behind.
func (f *front) mysql(near, far net.Conn, cfg *tls.Config) {
	greeting := packet(far)
	end := 5 + strings.IndexByte(string(greeting[5:]), 0) // of the version
	flags := end + 1 + 4 + 8 + 1
	greeting[flags+1] |= 0x08 // CLIENT_SSL
	near.Write(greeting)
	if len(packet(near)) == 0 {
		return
	}
	secure := tls.Server(near, cfg)
	if secure.Handshake() != nil {
		return
	}
	f.encrypted.Add(1)
	answer := packet(secure)
	answer[3]--
	answer[5] &^= 0x08 // of its flags: CLIENT_SSL
	far.Write(answer)
	said := packet(far)
	said[3]++
	secure.Write(said)
	go io.Copy(secure, far)
	io.Copy(far, secure)
}

// packet is one message of MySQL's protocol, with its head.
func packet(r io.Reader) []byte {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil
	}
	body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil
	}
	return append(head, body...)
}
