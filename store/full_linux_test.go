package store

import (
	"fmt"
	"syscall"
	"testing"

	"trueup/store/storetest"
)

// A volume that is full stops a plan with a clear error, and nothing of it is left. The volume is a real one of 12 MB where
// the test may mount it; elsewhere the server's error is raised by a trigger.
func TestFullPostgres(t *testing.T) {
	server := storetest.Shared(t)
	name := server.Database(t)
	fill(t, server, name)
	d := postgresAt(t, server.DSN(storetest.Superuser, name))
	record, p := large(t, d, crashRows)
	explains(t, d.SavePlan(t.Context(), record, p), "disk is full")
	whole(t, d, 0, crashRows)
	start(t, d, "small enough", night(2))
}

// fill leaves a database little room.
func fill(t *testing.T, server *storetest.Server, name string) {
	t.Helper()
	volume := t.TempDir()
	if err := syscall.Mount("tmpfs", volume, "tmpfs", 0, "size=12m,mode=0777"); err != nil {
		t.Logf("no volume can be mounted here (%v): the server's error comes from a trigger", err)
		d := postgresAt(t, server.DSN(storetest.Superuser, name))
		if _, err := d.db.Exec(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF NEW.n > 1000 THEN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END IF;
				RETURN NEW; END $$;
			CREATE TRIGGER full_disk BEFORE INSERT ON plan_rows FOR EACH ROW EXECUTE FUNCTION full_disk()`); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(volume, 0); err != nil {
			t.Error(err)
		}
	})
	server.Give(t, volume)
	space := "space_of_" + name
	server.Exec(t, "postgres", fmt.Sprintf("CREATE TABLESPACE %s LOCATION '%s'", space, volume))
	t.Cleanup(func() {
		server.Exec(t, "postgres", "DROP DATABASE "+name+" WITH (FORCE)", "CREATE DATABASE "+name, "DROP TABLESPACE "+space)
	})
	server.Exec(t, "postgres", fmt.Sprintf("ALTER DATABASE %s SET default_tablespace = %s", name, space))
}
