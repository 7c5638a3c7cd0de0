package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAJobIsDoneAtItsTimes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		job  func(j jobs, do func(context.Context) error) job
		want []time.Duration
	}{
		"at the start and after each interval": {
			func(j jobs, do func(context.Context) error) job { return j.every(time.Minute, "work", do) },
			[]time.Duration{0, time.Minute, 2 * time.Minute}},
		"for the first time after a while": {
			func(j jobs, do func(context.Context) error) job {
				return j.every(time.Minute, "work", do).later(90 * time.Second)
			},
			[]time.Duration{90 * time.Second, 150 * time.Second}},
		"once": {
			func(j jobs, do func(context.Context) error) job { return j.once("work", do) },
			[]time.Duration{0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithTimeout(t.Context(), 170*time.Second)
				defer stop()
				var log bytes.Buffer
				began, at := time.Now(), []time.Duration{}
				tt.job(jobs{slog.New(slog.NewTextHandler(&log, nil))}, func(context.Context) error {
					at = append(at, time.Since(began))
					return errors.New("the tool is busy")
				}).of("customer-status").Run(ctx)
				if len(at) != len(tt.want) {
					t.Fatalf("it is done at %v, not at %v", at, tt.want)
				}
				for i := range at {
					if at[i] != tt.want[i] {
						t.Errorf("it is done at %v, not at %v", at, tt.want)
					}
				}
				if n := strings.Count(log.String(), "could not work"); n != len(at) || !strings.Contains(log.String(), "sync=customer-status") {
					t.Errorf("of %d failures the log has %d:\n%s", len(at), n, log.String())
				}
			})
		})
	}
}

func TestNothingIsDoneAfterAStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		done := 0
		repeat(ctx, 0, func() time.Duration {
			done++
			stop()
			return 0 // at once again
		})
		if done != 1 {
			t.Errorf("done %d times, not once", done)
		}
	})
}
