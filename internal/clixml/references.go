package clixml

// references are the objects and lists of type names that a document has given a
// number. A reference may come before what it refers to.
type references struct {
	objects map[string]*Object
	types   map[string][]string
	// What is referred to and not there yet, with the offset of the first reference.
	missingObjects map[string]int64
	missingTypes   map[string]*waiting
}

type waiting struct {
	offset  int64
	objects []*Object
}

// define returns the object that has the number from now on.
func (d *references) define(id string) *Object {
	if id == "" {
		return &Object{}
	}
	if _, missing := d.missingObjects[id]; missing {
		delete(d.missingObjects, id)
		return d.objects[id]
	}
	o := &Object{RefID: id}
	if d.objects == nil {
		d.objects = make(map[string]*Object)
	}
	d.objects[id] = o
	return o
}

// object returns the object with the number; it may still be empty.
func (d *references) object(id string, offset int64) *Object {
	if o := d.objects[id]; o != nil {
		return o
	}
	o := d.define(id)
	if d.missingObjects == nil {
		d.missingObjects = make(map[string]int64)
	}
	d.missingObjects[id] = offset
	return o
}

func (d *references) defineTypes(id string, names []string) {
	if id == "" {
		return
	}
	if d.types == nil {
		d.types = make(map[string][]string)
	}
	d.types[id] = names
	if w := d.missingTypes[id]; w != nil {
		for _, o := range w.objects {
			o.TypeNames = names
		}
		delete(d.missingTypes, id)
	}
}

// useTypes gives the object the type names with the number, now or when they come.
func (d *references) useTypes(id string, o *Object, offset int64) {
	names, ok := d.types[id]
	if ok {
		o.TypeNames = names
		return
	}
	w := d.missingTypes[id]
	if w == nil {
		if d.missingTypes == nil {
			d.missingTypes = make(map[string]*waiting)
		}
		w = &waiting{offset: offset}
		d.missingTypes[id] = w
	}
	w.objects = append(w.objects, o)
}

// unresolved returns the error of the first reference to nothing, or nil.
func (d *references) unresolved() error {
	var first *SyntaxError
	report := func(offset int64, element, problem string) {
		if first == nil || offset < first.Offset {
			first = &SyntaxError{Offset: offset, Element: element, Problem: problem}
		}
	}
	for id, offset := range d.missingObjects {
		report(offset, "Ref", "a reference to object "+id+", which the document does not have")
	}
	for id, w := range d.missingTypes {
		report(w.offset, "TNRef", "a reference to type names "+id+", which the document does not have")
	}
	if first == nil {
		return nil
	}
	return first
}
