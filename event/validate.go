package event

import (
	"fmt"
	"strings"
)

// fieldError says what is wrong with a field.
type fieldError struct {
	path    string // as in JavaScript: axes[2].radius
	problem string
}

func (e *fieldError) Error() string {
	if e.path == "" {
		return e.problem
	}
	return fmt.Sprintf("field %q: %s", e.path, e.problem)
}

// within returns e as an error of a field of the object or array at path.
func (e *fieldError) within(path string) *fieldError {
	if e.path != "" && e.path[0] != '[' {
		path += "."
	}
	e.path = path + e.path
	return e
}

// checkFields checks members against the fields that they are to hold, but not
// what the timestamp is. Members that are no field are kept as they are: newer
// nodes may say more than the catalogue knows.
func checkFields(data []byte, fields []Field, members []member) *fieldError {
	var (
		seen    uint64 // bit per field: see maxFields
		next    int    // the field after the last one: members mostly come in order
		scratch [64]byte
	)
	for _, m := range members {
		n := fieldIndex(fields, text(data, m.key, scratch[:0]), next)
		if n < 0 {
			continue
		}
		field := &fields[n]
		if seen&(1<<n) != 0 {
			return &fieldError{problem: fmt.Sprintf("field %q is given twice", field.Name)}
		}
		seen |= 1 << n
		next = n + 1
		if field.Kind == KindTimestamp {
			continue
		}
		if err := checkField(data, field, m.value); err != nil {
			return err.within(field.Name)
		}
	}
	return checkMissing(fields, seen)
}

// fieldIndex returns the index of the field with the name, or -1, looking at
// fields[next] first.
func fieldIndex(fields []Field, name []byte, next int) int {
	for i := next; i < len(fields); i++ {
		if fields[i].Name == string(name) {
			return i
		}
	}
	for i := range fields[:next] {
		if fields[i].Name == string(name) {
			return i
		}
	}
	return -1
}

func checkMissing(fields []Field, seen uint64) *fieldError {
	var missing []string
	for i, f := range fields {
		if seen&(1<<i) == 0 && !f.Optional && f.Kind != KindTimestamp {
			missing = append(missing, fmt.Sprintf("%q (%s)", f.Name, f.Type()))
		}
	}
	if missing == nil {
		return nil
	}
	return &fieldError{problem: "missing field " + strings.Join(missing, ", ")}
}

// checkField checks the value of a field other than the timestamp.
func checkField(data []byte, f *Field, v value) *fieldError {
	if v.kind == nullValue && f.Optional {
		return nil
	}
	if !f.List {
		return checkOne(data, f, v)
	}
	if v.kind != arrayValue {
		return mismatch(data, v, "an array")
	}
	for i, elem := range elements(data, v) {
		if err := checkOne(data, f, elem); err != nil {
			return err.within(fmt.Sprintf("[%d]", i))
		}
	}
	return nil
}

// checkOne checks the value of a field, or one element if it is a list.
func checkOne(data []byte, f *Field, v value) *fieldError {
	ok := false
	switch f.Kind {
	case KindString:
		ok = v.kind == stringValue
	case KindUint:
		ok = v.kind == numberValue && isUint(v.raw(data))
	case KindFloat:
		ok = v.kind == numberValue
	case KindBool:
		ok = v.kind == boolValue
	case KindEnum:
		ok = v.kind == stringValue && isEnum(data, v, f.Enum)
	case KindRecord:
		if v.kind == objectValue {
			return checkRecord(data, f.Record, v)
		}
	}
	if ok {
		return nil
	}
	return mismatch(data, v, f.expected())
}

func checkRecord(data []byte, r *Record, v value) *fieldError {
	var buf [maxMembers]member
	s := scanner{data: data[:v.end], pos: v.start}
	members, err := s.members(0, buf[:0])
	if err != nil {
		return &fieldError{problem: err.Error()}
	}
	return checkFields(data, r.Fields, members)
}

// isUint reports whether a JSON number is written as an integer from 0 to the
// greatest of 64 bits.
func isUint(number []byte) bool {
	const greatest = "18446744073709551615"
	for _, c := range number {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(number) < len(greatest) || len(number) == len(greatest) && string(number) <= greatest
}

func isEnum(data []byte, v value, names []string) bool {
	var scratch [64]byte
	s := text(data, v, scratch[:0])
	for _, name := range names {
		if sameEnum(s, name) {
			return true
		}
	}
	return false
}

// sameEnum compares without regard to ASCII case and underscores: nodes write
// TransferIn for transfer_in.
func sameEnum(s []byte, name string) bool {
	i, j := 0, 0
	for {
		for i < len(s) && s[i] == '_' {
			i++
		}
		for j < len(name) && name[j] == '_' {
			j++
		}
		if i == len(s) || j == len(name) {
			return i == len(s) && j == len(name)
		}
		if lower(s[i]) != lower(name[j]) {
			return false
		}
		i++
		j++
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// expected says what the value of f, or one element if it is a list, is to be.
func (f *Field) expected() string {
	switch f.Kind {
	case KindString:
		return "a string"
	case KindUint:
		return "an integer from 0 to 18446744073709551615"
	case KindFloat:
		return "a number"
	case KindBool:
		return "true or false"
	case KindEnum:
		return "one of " + strings.Join(f.Enum, ", ")
	}
	return "an object (" + f.Record.Name + ")"
}

const expectTimestamp = `an RFC 3339 time such as "2024-01-15T10:30:00Z" or Unix seconds, in the years 0 to 9999`

func mismatch(data []byte, v value, expected string) *fieldError {
	return &fieldError{problem: "expected " + expected + ", got " + describe(data, v)}
}

// describe returns a value for an error message.
func describe(data []byte, v value) string {
	switch v.kind {
	case arrayValue:
		return "an array"
	case objectValue:
		return "an object"
	}
	return printable(v.raw(data))
}
