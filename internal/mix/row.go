package mix

// The kinds of rows.
const (
	KindCreative = "creative"
	KindGeneral  = "general"
)

// A Row is one line of a configuration: a conversation to learn from, in the one shape from which each
// engine's own is made.
type Row struct {
	ID       string    `json:"id"`
	Source   string    `json:"source"` // its name in the plan
	Kind     string    `json:"kind"`
	Genre    string    `json:"genre"`
	Language string    `json:"language"`
	Messages []Message `json:"messages"`
}

// A Message is one turn.
type Message struct {
	Role      string `json:"role"` // system, user or assistant
	Content   string `json:"content"`
	Reasoning string `json:"reasoning_content,omitempty"`
}
