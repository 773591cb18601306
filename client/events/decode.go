package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// field is where the value of a key goes.
type field struct {
	name     string
	into     any // a pointer
	optional bool
}

// unmarshalFields decodes the object data into fields. It does so key by key
// because encoding/json would let a key that the catalogue does not name, such
// as "Depth", overwrite the one that it does.
func unmarshalFields(data []byte, name string, fields []field) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil {
		return fmt.Errorf("cannot decode %s: %w", name, err)
	}
	if values == nil {
		return fmt.Errorf("cannot decode %s: expected an object, got null", name)
	}
	for _, f := range fields {
		value, given := values[f.name]
		switch {
		case given && !bytes.Equal(value, []byte("null")):
			if err := json.Unmarshal(value, f.into); err != nil {
				return fmt.Errorf("cannot decode %s: field %q: %w", name, f.name, err)
			}
		case f.optional:
		case given:
			return fmt.Errorf("cannot decode %s: field %q is null", name, f.name)
		default:
			return fmt.Errorf("cannot decode %s: missing field %q", name, f.name)
		}
	}
	return nil
}

// number decodes a JSON number into what it points to. A json.Number alone would also take a
// string with a number in it.
type number struct{ into *json.Number }

func (n number) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '-' && (data[0] < '0' || data[0] > '9') {
		return fmt.Errorf("expected a number, got %.64s", data)
	}
	*n.into = json.Number(data)
	return nil
}

// canonical returns the value of values that text spells, without regard to
// case and underscores: nodes write TransferIn for transfer_in. A value that is
// none of them is returned as it is: newer nodes may have more.
func canonical[T ~string](text []byte, values ...T) T {
	plain := func(s string) string { return strings.ReplaceAll(s, "_", "") }
	for _, v := range values {
		if strings.EqualFold(plain(string(text)), plain(string(v))) {
			return v
		}
	}
	return T(text)
}
