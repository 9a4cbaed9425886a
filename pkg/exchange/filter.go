package exchange

// A Filter is a parsed OPATH recipient filter: *Comparison, *And, *Or or *Not.
// The grammar is that of -RecipientRestrictionFilter and -Filter
// (learn.microsoft.com/powershell/exchange/recipient-filters).
type Filter interface{ filter() }

// A Comparison compares one property of a recipient with a constant.
type Comparison struct {
	Property string // as written; property names ignore case
	Operator string // lower case without the hyphen: eq, ne, like, notlike, lt, le, gt, ge
	Value    FilterValue
}

// A FilterValue is a constant of a filter. Bare words and numbers are text that
// was not quoted: servers compare them like quoted text.
type FilterValue struct {
	Kind FilterValueKind
	Text string // FilterText: unquoted, unescaped text; FilterVariable: true, false or null in lower case
}

// FilterValueKind tells text from the system values $true, $false and $null.
type FilterValueKind int

// The kinds of constants.
const (
	FilterText FilterValueKind = iota
	FilterVariable
)

// And, Or and Not combine filters. And and Or have two or more operands; nested
// ones of the same kind are flattened by ParseFilter.
type (
	And struct{ Operands []Filter }
	Or  struct{ Operands []Filter }
	Not struct{ Operand Filter }
)

func (*Comparison) filter() {}
func (*And) filter()        {}
func (*Or) filter()         {}
func (*Not) filter()        {}

// ParseFilter parses an OPATH filter. Its error says what was expected and at
// which byte.
func ParseFilter(s string) (Filter, error) { panic("being written") }
