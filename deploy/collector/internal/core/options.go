package core

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// Setting is one option, its value as `spanmap --set` takes it.
type Setting struct {
	Key   string
	Value string
}

// Settings turns a section of the Collector's configuration into the library's options: sections may be
// maps, or part of a key. What is no option stays as it stands, for the library to say so.
func Settings(section map[string]any) ([]Setting, error) {
	var settings []Setting
	keys := optionKeys()
	err := flatten(section, "", keys, &settings)
	sort.Slice(settings, func(i, j int) bool { return settings[i].Key < settings[j].Key })
	for i := 1; i < len(settings) && err == nil; i++ {
		if settings[i].Key == settings[i-1].Key {
			err = fmt.Errorf("%s is set twice", settings[i].Key)
		}
	}
	return settings, err
}

// ordered is the option whose pairs are looked at one after the other.
const ordered = "names.rewrite"

// rejoin undoes what the Collector does to an option's own keys: it takes "fd00::/8" for sections.
func rejoin(inner map[string]any, prefix string, into map[string]any) map[string]any {
	for name, value := range inner {
		if deeper, isMap := value.(map[string]any); isMap && len(deeper) != 0 {
			rejoin(deeper, prefix+name+confmap.KeyDelimiter, into)
		} else {
			into[prefix+name] = value
		}
	}
	return into
}

// hasNoOrder: of several pairs.
func hasNoOrder(value any) bool {
	list, isList := value.([]any)
	if pairs, isMap := value.(map[string]any); isMap {
		return len(pairs) > 1
	}
	return isList && slices.ContainsFunc(list, hasNoOrder)
}

func flatten(section map[string]any, prefix string, keys map[string]bool, settings *[]Setting) error {
	for name, value := range section {
		key := prefix + name
		inner, isMap := value.(map[string]any)
		if isMap && !keys[key] {
			if err := flatten(inner, key+".", keys, settings); err != nil {
				return err
			}
			continue
		}
		if value == nil && isSection(key, keys) {
			continue
		}
		if isMap {
			value = rejoin(inner, "", map[string]any{})
		}
		if key == ordered && hasNoOrder(value) {
			return fmt.Errorf("%s: write a list of maps of one pair each: the first that fits is applied, "+
				"and the Collector keeps no order within a map", key)
		}
		text, err := flowText(value)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		*settings = append(*settings, Setting{key, text})
	}
	return nil
}

// isSection: its options are all left out.
func isSection(key string, keys map[string]bool) bool {
	for option := range keys {
		if strings.HasPrefix(option, key+".") {
			return true
		}
	}
	return false
}

// flowText is a value in YAML's flow form, of which JSON is a part; a text alone stands without quotes.
func flowText(value any) (string, error) {
	if text, isText := value.(string); isText {
		return text, nil
	}
	if value == nil {
		return "", nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return string(bytes.TrimSpace(out.Bytes())), err
}
