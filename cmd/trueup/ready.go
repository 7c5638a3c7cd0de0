package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/dialguard"
)

// readiness is what trueup check --ready prints as JSON.
type readiness struct {
	Address       string `json:"address"`
	Ready         bool   `json:"ready"`
	Error         string `json:"error,omitempty"`
	Configuration string `json:"configuration,omitempty"`
}

// readyTimeout is longer than the service takes to find out.
const readyTimeout = 10 * time.Second

// checkReady asks the running service whether it can work. It reads no more of the file
// than the address: a service goes on with the file it has while the one on disk has
// faults.
func checkReady(cmd *cobra.Command, address string) error {
	if address == "" {
		path, err := cmd.Flags().GetString("config")
		if err != nil {
			return err
		}
		listen, ok := config.Listen(path, app.Types(), os.LookupEnv)
		if !ok {
			return usage("add --address HOST:PORT", "the address of the service cannot be read from %s", path)
		}
		address = listen
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "0" {
		return usage("add --address HOST:PORT", "%s is not the address of a running service", address)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	result := askReady(cmd, net.JoinHostPort(host, port))
	if wantsJSON(cmd) {
		err = printJSON(cmd.OutOrStdout(), result)
	} else if result.Ready {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "ready: %s\n", result.Address)
		if result.Configuration != "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", result.Configuration)
		}
	}
	if err == nil && !result.Ready {
		err = &failure{err: fmt.Errorf("%s is not ready: %s", result.Address, result.Error), hint: "see the log of trueup run", code: exitFailed}
	}
	return err
}

func askReady(cmd *cobra.Command, address string) readiness {
	result := readiness{Address: address}
	client := dialguard.SettingClient("listen")
	client.Timeout = readyTimeout
	req, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, "http://"+address+"/readyz", http.NoBody)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	answer, err := client.Do(req)
	if err != nil {
		result.Error = "no answer: " + err.Error()
		return result
	}
	defer answer.Body.Close()
	// Another program may listen there: only our answer says yes.
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<16)).Decode(&result); err != nil {
		result.Error = fmt.Sprintf("what listens there answered %d, and not as Trueup does", answer.StatusCode)
		result.Ready = false
	}
	result.Address = address
	result.Ready = result.Ready && answer.StatusCode == http.StatusOK
	return result
}
