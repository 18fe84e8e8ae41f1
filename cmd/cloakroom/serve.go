package main

import (
	"context"
	"errors"
	"fmt"
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

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/clearing"
	"github.com/cloakroom-go/cloakroom/django/settings"
	"github.com/cloakroom-go/cloakroom/engine/guarded"
	"github.com/cloakroom-go/cloakroom/observe"
)

const (
	shutdownTime = 10 * time.Second
	headerTime   = 10 * time.Second
	requestTime  = time.Minute
	idleTime     = 2 * time.Minute
	clearEvery   = 10 * time.Minute
)

type serveFlags struct {
	listen, data, metrics string
	proxies               []string
}

func (p *program) serveCommand() *cobra.Command {
	var flags serveFlags
	command := &cobra.Command{
		Use:   "serve",
		Short: "Serve the Dashboard",
		Long: `Serve the Dashboard: people see where they are signed in and sign out elsewhere;
administrators see every session, the storage and the accounts.

With no settings it keeps sessions in an SQLite file in the data folder, in
Django's own tables: shared between processes and kept across restarts. With
--settings or --engine it shows and manages the sessions of that site, and
clears the expired ones in the background; its own sign-ins stay in the data
folder, so that they outlast an outage of the site's storage.

The first start makes an administrator and prints a one-time password; until
that has been replaced, every start prints a new one. Who is locked out gets
another from cloakroom passwd.`,
		Example: `  cloakroom serve
  cloakroom serve --listen 127.0.0.1:9000 --data /var/lib/cloakroom
  cloakroom serve --settings /etc/openstack-dashboard/local_settings.py`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return p.serve(command.Context(), flags) },
	}
	command.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:8000", "`ADDRESS` to serve on")
	addDataFlag(command, &flags.data)
	command.Flags().StringSliceVar(&flags.proxies, "trusted-proxy", nil, "`NETWORK` whose X-Forwarded-For is believed, such as 10.0.0.0/8; may be repeated")
	command.Flags().StringVar(&flags.metrics, "metrics", "", "`ADDRESS` to serve /metrics on for Prometheus, such as 127.0.0.1:9090; without it nothing is measured")
	return command
}

func addDataFlag(command *cobra.Command, folder *string) {
	command.Flags().StringVar(folder, "data", defaultDataFolder(), "`FOLDER` for the SQLite file and the secret key")
	command.Flags().Lookup("data").DefValue = "~/.local/share/cloakroom" // in manual pages too
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
func (p *program) serve(ctx context.Context, flags serveFlags) (err error) {
	log := slog.New(slog.NewTextHandler(p.Err, nil))
	proxies, err := parseNetworks(flags.proxies)
	if err != nil {
		return err
	}
	var site *settings.Settings
	if p.hasSite() {
		if site, err = p.load(); err != nil {
			return err
		}
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
	var shown cloakroom.Engine = store.engine
	if site != nil {
		opened, err := p.openAt(ctx, site)
		if err != nil {
			return err
		}
		defer opened.Close()
		shown = opened.Engine
	}
	samples, err := store.history(ctx, shown)
	if err != nil {
		return err
	}
	engine := observe.New(guarded.New(shown, guarded.WithLogger(log)))
	handler, err := store.dashboard(shown, engine, samples, proxies, log)
	if err != nil {
		return err
	}
	if err := p.greet(ctx, store, shown, listener, private); err != nil {
		return err
	}

	background, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	if measurer, ok := cloakroom.As[cloakroom.Measurer](shown); ok {
		running.Go(func() { samples.Run(background, measurer, log) })
	}
	running.Go(func() { clearing.Keep(background, engine, clearEvery, log) })
	if shown != store.engine {
		running.Go(func() { clearing.Keep(background, store.engine, clearEvery, log) })
	}
	if private != nil {
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

// greeting is what serve says when it starts, as JSON.
type greeting struct {
	URL        string   `json:"url"`
	Engine     string   `json:"engine"`
	BackEnd    string   `json:"back_end"`
	Location   string   `json:"location"`
	Persistent bool     `json:"persistent"`
	Shared     bool     `json:"shared"`
	Metrics    *string  `json:"metrics"` // null where nothing is measured
	SignIn     *oneTime `json:"sign_in"`
}

// greet says where the Dashboard is, what it shows, and how to get in.
func (p *program) greet(ctx context.Context, store *embedded, shown cloakroom.Engine, public, private net.Listener) error {
	address := public.Addr().(*net.TCPAddr).AddrPort()
	name, password, created, err := store.accounts.Bootstrap(ctx)
	if err != nil {
		return err
	}
	host := address
	if address.Addr().IsUnspecified() {
		host = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), address.Port())
	}
	url, d := "http://"+host.String()+"/", describe(shown)
	var metrics *string
	if private != nil {
		at := "http://" + private.Addr().String() + "/metrics"
		metrics = &at
	}
	if p.JSON {
		g := greeting{url, d.Engine, d.BackEnd, d.Location, d.Persistent, d.Shared, metrics, nil}
		if created {
			g.SignIn = &oneTime{name, password}
		}
		return p.Document(g)
	}
	p.Say("Dashboard  %s", url)
	if !address.Addr().IsLoopback() {
		p.Say("From afar  through a proxy that speaks HTTPS, named with --trusted-proxy: browsers send the session over nothing less")
	}
	p.Say("Sessions   %s: %s", place(d), meaning(d))
	if shown != store.engine {
		p.Say("Accounts   in %s, and the Dashboard's own sign-ins", store.folder)
	}
	if metrics != nil {
		p.Say("Metrics    %s", *metrics)
	}
	if created {
		p.Say("Sign in    as %s with the one-time password %s", name, password)
	}
	return p.Unsaid()
}

// meaning is what an engine means for those who are signed in.
func meaning(d cloakroom.Description) string {
	shared, kept := "shared between processes", "kept across restarts"
	if !d.Shared {
		shared = "each process has its own"
	}
	if !d.Persistent {
		kept = "lost when what holds them restarts"
	}
	return shared + " and " + kept
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
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.DefaultResolver.LookupPort(ctx, "tcp", port)
	}
	if err != nil {
		return nil, usage(fmt.Errorf("%s %s: write an address and a port, such as 127.0.0.1:8000", flag, address))
	}
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
