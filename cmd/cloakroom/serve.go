package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloakroom-go/cloakroom/observe"
)

const (
	shutdownTime = 10 * time.Second
	headerTime   = 10 * time.Second
	requestTime  = time.Minute
	idleTime     = 2 * time.Minute
)

type serveFlags struct {
	listen, data, metrics string
	proxies               []string
}

func serveCommand() *cobra.Command {
	var flags serveFlags
	command := &cobra.Command{
		Use:   "serve",
		Short: "Serve the Dashboard",
		Long: `Serve the Dashboard: people see where they are signed in and sign out elsewhere;
administrators see every session, the storage and the accounts.

With no settings it keeps sessions and accounts in an SQLite file in the data
folder, in Django's own tables: shared between processes and kept across
restarts. The first start makes an administrator and prints a one-time password;
until that has been replaced, every start prints a new one.`,
		Example: `  cloakroom serve
  cloakroom serve --listen 127.0.0.1:9000 --data /var/lib/cloakroom`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			log := slog.New(slog.NewTextHandler(command.ErrOrStderr(), nil))
			return serve(command.Context(), flags, command.OutOrStdout(), log)
		},
	}
	command.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:8000", "`address` to serve on")
	command.Flags().StringVar(&flags.data, "data", defaultDataFolder(), "`folder` for the SQLite file and the secret key")
	command.Flags().StringSliceVar(&flags.proxies, "trusted-proxy", nil, "`network` whose X-Forwarded-For is believed, such as 10.0.0.0/8; may be repeated")
	command.Flags().StringVar(&flags.metrics, "metrics", "", "`address` to serve /metrics on for Prometheus, such as 127.0.0.1:9090; with nothing, nothing is measured")
	return command
}

func defaultDataFolder() string {
	if data := os.Getenv("XDG_DATA_HOME"); data != "" {
		return filepath.Join(data, "cloakroom")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "cloakroom")
	}
	return "cloakroom-data"
}

// serve runs until ctx ends, then lets requests under way finish.
func serve(ctx context.Context, flags serveFlags, out io.Writer, log *slog.Logger) (err error) {
	proxies, err := parseNetworks(flags.proxies)
	if err != nil {
		return err
	}
	listener, err := listen(ctx, "--listen", flags.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	var private net.Listener
	if flags.metrics != "" {
		if private, err = listen(ctx, "--metrics", flags.metrics); err != nil {
			return err
		}
		defer private.Close()
	}
	store, err := openEmbedded(ctx, flags.data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	engine := observe.New(store.engine)
	handler, err := store.dashboard(engine, proxies, log)
	if err != nil {
		return err
	}
	if err := store.greet(ctx, out, listener.Addr().(*net.TCPAddr).AddrPort()); err != nil {
		return err
	}

	background, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { store.history.Run(background, store.engine, log) })
	running.Go(func() { store.clearExpired(background, log) })
	if private != nil {
		fmt.Fprintf(out, "Metrics    http://%s/metrics\n", private.Addr())
		running.Go(func() { engine.Run(background) })
		running.Go(func() {
			if err := answer(background, private, withHealth(engine, metrics(engine, log)), log); err != nil {
				log.Error("the metrics are no longer served", "error", err)
			}
		})
	}
	defer running.Wait()
	defer stop()
	return answer(ctx, listener, withHealth(engine, handler), log)
}

// answer serves handler until ctx ends, then lets requests under way finish.
func answer(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      requestTime,
		IdleTimeout:       idleTime,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off after %v: %w", shutdownTime, err), server.Close())
	}
	return nil
}

func parseNetworks(texts []string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, usage(fmt.Errorf("--trusted-proxy %s: write a network such as 10.0.0.0/8 or 127.0.0.1/32", text))
		}
		networks = append(networks, network)
	}
	return networks, nil
}

func listen(ctx context.Context, flag, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is taken by another program: stop that, or choose another address with %s", address, flag)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s needs privileges: choose a port above 1023 with %s", address, flag)
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", flag, address, err)
	}
	return listener, nil
}
