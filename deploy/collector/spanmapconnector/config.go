package spanmapconnector

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"spanmap.example/collector/internal/core"
)

// Config has, beside its own two keys, every option of spanmap by its own name: `pairing: {wait: 10s}`.
type Config struct {
	// MetricsFlushInterval is the time from one emission of all metrics to the next.
	MetricsFlushInterval time.Duration `mapstructure:"metrics_flush_interval"`

	// Extension is the spanmap_map extension that shows this connector's map; none by default.
	Extension *component.ID `mapstructure:"extension"`

	// Options are those of docs/CONFIGURATION.md, which has their defaults too.
	Options map[string]any `mapstructure:",remain"`

	_ struct{}
}

var _ confmap.Unmarshaler = (*Config)(nil)

const defaultFlushInterval = 15 * time.Second

func createDefaultConfig() component.Config {
	return &Config{MetricsFlushInterval: defaultFlushInterval}
}

// Unmarshal reads options by their values: what stands for a variable of the environment is no plain value yet.
func (cfg *Config) Unmarshal(conf *confmap.Conf) error {
	if err := conf.Unmarshal(cfg); err != nil {
		return err
	}
	values := conf.ToStringMap()
	for key := range cfg.Options {
		cfg.Options[key] = values[key]
	}
	return nil
}

// Validate asks spanmap itself, which knows its options, and names what it does not know.
func (cfg *Config) Validate() error {
	var wrong error
	if cfg.MetricsFlushInterval <= 0 {
		wrong = errors.New("metrics_flush_interval must be longer than 0")
	}
	settings, err := core.Settings(cfg.Options)
	if err == nil {
		err = core.Check(settings)
	}
	return errors.Join(wrong, err)
}
