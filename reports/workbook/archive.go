package workbook

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"

	"github.com/klauspost/compress/flate"
)

// contentTypes is the part that readers look for first.
const contentTypes = "[Content_Types].xml"

// archive is the zip of a workbook. excelize hands its parts over in the order of a map; here they are deflated as they
// come and written in the order of their names when the archive is closed, so that equal parts make equal files.
type archive struct {
	out   io.Writer
	parts []*part
}

type part struct {
	name    string
	deflate *flate.Writer
	held    bytes.Buffer // the content types, until they are sorted
	packed  bytes.Buffer
	crc     uint32
	size    uint64
}

// Create begins a part.
func (a *archive) Create(name string) (io.Writer, error) {
	p := &part{name: name}
	var err error
	if p.deflate, err = flate.NewWriter(&p.packed, flate.DefaultCompression); err != nil {
		return nil, err
	}
	a.parts = append(a.parts, p)
	if name == contentTypes {
		return &p.held, nil
	}
	return p, nil
}

// close ends a part. The list of content types, which excelize writes in the order of a map, is sorted first.
func (p *part) close() error {
	if p.held.Len() > 0 {
		sorted, err := sortTypes(p.held.Bytes())
		if err != nil {
			return err
		}
		if _, err := p.Write(sorted); err != nil {
			return err
		}
	}
	return p.deflate.Close()
}

// types is the part [Content_Types].xml (ECMA-376 part 2, 7.2).
type types struct {
	XMLName   xml.Name `xml:"http://schemas.openxmlformats.org/package/2006/content-types Types"`
	Defaults  []typeOf `xml:"Default"`
	Overrides []typeOf `xml:"Override"`
}

type typeOf struct {
	Extension   string `xml:",attr,omitempty"`
	PartName    string `xml:",attr,omitempty"`
	ContentType string `xml:",attr"`
}

func sortTypes(b []byte) ([]byte, error) {
	var list types
	if err := xml.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("content types: %w", err)
	}
	byName := func(x, y typeOf) int {
		return cmp.Or(cmp.Compare(x.Extension, y.Extension), cmp.Compare(x.PartName, y.PartName))
	}
	slices.SortFunc(list.Defaults, byName)
	slices.SortFunc(list.Overrides, byName)
	sorted, err := xml.Marshal(list)
	return append([]byte(xml.Header), sorted...), err
}

// Write adds to a part.
func (p *part) Write(b []byte) (int, error) {
	p.crc = crc32.Update(p.crc, crc32.IEEETable, b)
	p.size += uint64(len(b))
	return p.deflate.Write(b)
}

// AddFS is not used: excelize asks for it and never calls it.
func (a *archive) AddFS(fs.FS) error {
	return fmt.Errorf("workbook: adding a file system is not supported")
}

// Close writes all parts, without times, and the directory.
func (a *archive) Close() error {
	slices.SortFunc(a.parts, func(x, y *part) int {
		return cmp.Or(order(x.name)-order(y.name), cmp.Compare(x.name, y.name))
	})
	z := zip.NewWriter(a.out)
	for _, p := range a.parts {
		if err := p.close(); err != nil {
			return err
		}
		header := &zip.FileHeader{Name: p.name, Method: zip.Deflate, CRC32: p.crc, UncompressedSize64: p.size,
			CompressedSize64: uint64(p.packed.Len())}
		w, err := z.CreateRaw(header)
		if err != nil {
			return err
		}
		if _, err := p.packed.WriteTo(w); err != nil {
			return err
		}
	}
	return z.Close()
}

func order(name string) int {
	if name == contentTypes {
		return 0
	}
	return 1
}
