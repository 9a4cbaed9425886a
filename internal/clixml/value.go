package clixml

import "strings"

// A value of CLIXML is one of these Go types ([MS-PSRP] 2.2.5.1 and 2.2.5.2); the
// element that stands for it is behind each:
//
//	nil           Nil      bool     B       [DateTime]      DT    [URI]             URI
//	string        S        float32  Sg      [Duration]      TS    [Version]         Version
//	[Char]        C        float64  Db      []byte          BA    [XMLText]         XD
//	int8, uint8   SB, By   int32    I32     [GUID]          G     [ScriptBlock]     SBK
//	int16         I16      uint32   U32     [Decimal]       D     [SecureString]    SS
//	uint16        U16      int64    I64     [*Object]       Obj   [*ProgressRecord] PR
//	                       uint64   U64                           [*Unknown]        any other
//
// Strings are WTF-8: UTF-8, in which a lone surrogate, which a .NET string may
// hold, stands as its three bytes (ED A0 80 to ED BF BF).
//
// Of these the reader gives no others, and the writer takes no others.
type (
	// A Char is one UTF-16 code unit (System.Char), maybe half of a surrogate pair.
	Char uint16
	// A Decimal is a System.Decimal as its text, such as "-1234.50": digits, with an
	// optional sign and point.
	Decimal string
	// A GUID is a System.Guid as 32 hexadecimal digits in five groups.
	GUID string
	// A URI is a System.Uri, absolute or not.
	URI string
	// A Version is a System.Version: two to four numbers with points between.
	Version string
	// XMLText is the text of a System.Xml.XmlDocument.
	XMLText string
	// A ScriptBlock is the text of a script block. Nothing here runs it.
	ScriptBlock string
	// A SecureString is an encrypted string, kept as it came and never decrypted: on a
	// PSRP connection base64 of what the session key encrypted, in a file hexadecimal of
	// what Windows encrypted.
	SecureString string
)

// String does not show what is in the secure string, encrypted as it is: it would
// end up in traces.
func (SecureString) String() string { return "[redacted]" }

// GoString is String.
func (s SecureString) GoString() string { return s.String() }

// A ProgressRecord is what PowerShell shows as a progress bar ([MS-PSRP] 2.2.5.1.25).
type ProgressRecord struct {
	Activity          string
	ActivityID        int32
	CurrentOperation  string // empty for a null, too
	ParentActivityID  int32  // -1: none
	PercentComplete   int32  // -1: not known
	Type              string // "Processing" or "Completed"
	SecondsRemaining  int32  // -1: not known
	StatusDescription string
}

// An Object is anything that is more than a primitive value: properties, a
// container, an enumeration, a primitive value with properties of its own, or
// several of these at once.
//
// Objects that were one object on the other side are one *Object here, so that
// structures may share objects and may be cyclic: follow them with a bound.
type Object struct {
	// RefID is the number that the document gave the object, for messages about it.
	// The writer numbers objects itself.
	RefID string
	// TypeNames are the names of its .NET types, the most specific first, such as
	// "Deserialized.System.Management.Automation.ErrorRecord". Objects of one type
	// share the slice: do not change what is in it.
	TypeNames []string
	// ToString is what the object's ToString gave, when HasToString is set.
	ToString    string
	HasToString bool
	// Value is the primitive value in the object, such as an enumeration's number, or
	// its content: a *List, a *Dictionary, or the *Object that it wraps. It is nil when
	// there is none.
	Value any
	// Props are its own properties (Props), in the document's order. Nil is not the
	// same as none: without the element there is nothing, with an empty one there is an
	// empty slice.
	Props []Property
	// Members are properties that were added to it (MS), in the document's order. PSRP
	// puts the properties of its own messages here. Nil is as in Props.
	Members []Property
	// Others are elements of the object that CLIXML does not know.
	Others []*Unknown
}

// A Property is a name, with no escape left in it, and a value.
type Property struct {
	Name  string
	Value any
}

// Prop finds a property, among Members first as PowerShell does, then in Props, then
// in the object that it wraps. Names ignore case.
func (o *Object) Prop(name string) (value any, ok bool) {
	for range maxWrapped {
		if value, ok = find(o.Members, name); ok {
			return value, true
		}
		if value, ok = find(o.Props, name); ok {
			return value, true
		}
		if o, ok = o.Value.(*Object); !ok || o == nil {
			return nil, false
		}
	}
	return nil, false
}

// maxWrapped is how many objects deep a value is looked for: objects may wrap each
// other in a circle.
const maxWrapped = 16

func find(properties []Property, name string) (any, bool) {
	for i := range properties {
		if strings.EqualFold(properties[i].Name, name) {
			return properties[i].Value, true
		}
	}
	return nil, false
}

// HasType says whether name is among the object's types, whether or not it was
// deserialized on its way ("Deserialized." before the name). Case counts.
func (o *Object) HasType(name string) bool {
	for _, t := range o.TypeNames {
		if strings.TrimPrefix(t, "Deserialized.") == name {
			return true
		}
	}
	return false
}

// A ListKind is the kind of a List.
type ListKind uint8

// The kinds of lists, by their element.
const (
	ListOf       ListKind = iota // LST: an array or a list
	StackOf                      // STK: the top first
	QueueOf                      // QUE: the head first
	EnumerableOf                 // IE: anything that can be enumerated
)

// String returns the name of the kind's element.
func (k ListKind) String() string {
	if int(k) < len(listElements) {
		return listElements[k]
	}
	return "unknown kind of list"
}

var listElements = [...]string{ListOf: "LST", StackOf: "STK", QueueOf: "QUE", EnumerableOf: "IE"}

// A List is the content of an Object that is a sequence.
type List struct {
	Kind  ListKind
	Items []any
}

// A Dictionary is the content of an Object that maps keys to values (DCT), in the
// document's order. Keys are of any type; nothing makes them unique.
type Dictionary struct {
	Entries []Entry
}

// An Entry is a key with its value.
type Entry struct {
	Key, Value any
}

// Lookup finds the value of a key that is a string. It ignores case, as a
// hashtable of PowerShell does.
func (d *Dictionary) Lookup(key string) (value any, ok bool) {
	for _, e := range d.Entries {
		if s, isText := Base(e.Key).(string); isText && strings.EqualFold(s, key) {
			return e.Value, true
		}
	}
	return nil, false
}

// An Unknown is an element that CLIXML does not know, kept as it came.
type Unknown struct {
	Element string // its name, without a prefix
	XML     string // the whole element, attributes and content included, in UTF-8
}

// Base returns what a value is without the objects round it: the Value of an
// *Object, such as an enumeration's number or a *List, and any other value itself.
// It is nil for an object that has properties only, and for objects that wrap each
// other too deep.
func Base(v any) any {
	for range maxWrapped {
		o, ok := v.(*Object)
		if !ok {
			return v
		}
		if o == nil {
			return nil
		}
		v = o.Value
	}
	return nil
}
