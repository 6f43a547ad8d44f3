package wire

import "github.com/spillscope/spillscope/model"

// Edge visits an edge row.
func Edge(c *Codec, r *model.EdgeRow) {
	c.Ref(&r.Ref)
	Text(c, &r.ID)
	c.Interval(&r.End)
	c.Duration(&r.Taken)
	c.Duration(&r.FirstByte)
	Text(c, &r.Distribution)
	Text(c, &r.Location)
	Text(c, &r.Host)
	c.Addr(&r.Client)
	Number(c, &r.Port)
	c.ID(&r.Agent)
	Number(c, &r.Kind)
	Number(c, &r.Referer)
	Number(c, &r.Route)
	Text(c, &r.Pattern)
	c.ID(&r.Path)
	c.ID(&r.Key)
	Text(c, &r.Method)
	Number(c, &r.Status)
	Text(c, &r.Result)
	Text(c, &r.ResponseResult)
	Text(c, &r.Detailed)
	Number(c, &r.Asked)
	Text(c, &r.Scheme)
	Text(c, &r.Protocol)
	Text(c, &r.ContentType)
	c.Int(&r.Bytes)
	c.Int(&r.ContentLength)
	c.Int(&r.RangeStart)
	c.Int(&r.RangeEnd)
	c.Bool(&r.CookieLogged)
	c.ID(&r.Session)
	c.Hash(&r.Line)
	c.Hash(&r.Shared)
	c.Hash(&r.Columns)
	Slice(c, &r.Also, (*Codec).Ref)
}

// Origin visits an origin row.
func Origin(c *Codec, r *model.OriginRow) {
	c.Ref(&r.Ref)
	Text(c, &r.RequestID)
	c.Interval(&r.Time)
	c.Duration(&r.Taken)
	c.ID(&r.Trace)
	Text(c, &r.Instance)
	c.Bool(&r.Told)
	Text(c, &r.Host)
	Text(c, &r.Method)
	Number(c, &r.Route)
	Text(c, &r.Pattern)
	c.ID(&r.Path)
	Number(c, &r.Category)
	Number(c, &r.Status)
	c.ID(&r.Presented)
	c.ID(&r.Issued)
	Number(c, &r.SetCookie)
	Text(c, &r.User)
	Text(c, &r.Workspace)
	Text(c, &r.Lasting)
	c.Bool(&r.Entrance)
	c.Addr(&r.Client)
	c.ID(&r.Agent)
	c.ID(&r.Device)
	c.Hash(&r.Line)
	c.Duration(&r.Ahead)
	Slice(c, &r.Also, (*Codec).Ref)
}

// Citation visits a citation.
func Citation(c *Codec, v *model.Citation) {
	Text(c, &v.RequestID)
	c.Ref(&v.Ref)
}

// Flag visits a flag.
func Flag(c *Codec, v *model.Flag) {
	Text(c, &v.Name)
	Text(c, &v.Evidence)
}

// Delivery visits a delivery.
func Delivery(c *Codec, d *model.Delivery) {
	Text(c, &d.ID)
	Citation(c, &d.Hit)
	Number(c, &d.HitTime)
	Text(c, &d.Distribution)
	Text(c, &d.Cache)
	Text(c, &d.Route)
	c.ID(&d.Device)
	Text(c, &d.RecipientUser)
	c.Strings(&d.RecipientWorkspaces)
	Citation(c, &d.Fill)
	Number(c, &d.FillTime)
	c.ID(&d.FillDevice)
	Number(c, &d.Generation)
	c.ID(&d.HolderSession)
	Text(c, &d.HolderUser)
	c.Strings(&d.HolderWorkspaces)
	Number(c, &d.Rung)
	c.Float(&d.PDelivered)
	c.Float(&d.PApplied)
	c.Float(&d.PUsed)
	Number(c, &d.Tier)
	Slice(c, &d.Flags, Flag)
	Slice(c, &d.HitAlso, (*Codec).Ref)
	Slice(c, &d.FillAlso, (*Codec).Ref)
}

// Access visits an access.
func Access(c *Codec, a *model.Access) {
	Number(c, &a.Time)
	Citation(c, &a.Row)
	Text(c, &a.Delivery)
	c.ID(&a.Device)
	Text(c, &a.HolderUser)
	Text(c, &a.Method)
	Number(c, &a.Status)
	Text(c, &a.Pattern)
	Text(c, &a.Category)
	c.Strings(&a.WorkspaceIDs)
	c.Bool(&a.Write)
	Text(c, &a.Lasting)
}

// Unattributed visits an unattributed hit.
func Unattributed(c *Codec, u *model.Unattributed) {
	Citation(c, &u.Hit)
	Number(c, &u.HitTime)
	Text(c, &u.Distribution)
	Text(c, &u.Cache)
	Text(c, &u.Route)
	c.ID(&u.Device)
	Text(c, &u.User)
	c.Float(&u.PUnknown)
	Text(c, &u.Reason)
}
