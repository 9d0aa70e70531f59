"""Figures of the sync, and since when a change waits.

`owed_at` and `noticed_at` are written by triggers: whatever path makes a debt or a nudge, the time is the
database's, so that it can be compared with the database's (docs/decisions/0100).
"""

import django.db.models.deletion
from django.db import migrations, models

OWED = """
CREATE FUNCTION genie_owed_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'owes_push' THEN
        NEW.owed_at := NULL;
    ELSIF TG_OP = 'INSERT' OR OLD.state <> 'owes_push' OR NEW.pushed_revision > OLD.pushed_revision THEN
        NEW.owed_at := clock_timestamp();
    ELSE
        NEW.owed_at := OLD.owed_at;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER genie_owed_at BEFORE INSERT OR UPDATE OF state, pushed_revision ON store_eventlink
    FOR EACH ROW EXECUTE FUNCTION genie_owed_at();
"""
NOTICED = """
CREATE FUNCTION genie_noticed_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.nudged_at IS NULL THEN
        NEW.noticed_at := NULL;
    ELSIF OLD.nudged_at IS NULL OR NEW.read_at IS DISTINCT FROM OLD.read_at THEN
        NEW.noticed_at := clock_timestamp();
    ELSE
        NEW.noticed_at := OLD.noticed_at;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER genie_noticed_at BEFORE UPDATE OF nudged_at ON store_remotecalendar
    FOR EACH ROW EXECUTE FUNCTION genie_noticed_at();
"""
NO_TRIGGERS = """
DROP TRIGGER genie_owed_at ON store_eventlink;
DROP FUNCTION genie_owed_at();
DROP TRIGGER genie_noticed_at ON store_remotecalendar;
DROP FUNCTION genie_noticed_at();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0018_turns_and_put_it_back"),
    ]

    operations = [
        migrations.AddField(
            model_name="eventlink",
            name="owed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="remotecalendar",
            name="noticed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="SyncTotal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=20)),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("out", "changes sent"),
                            ("in", "changes taken in"),
                            ("out_ms", "milliseconds that the changes sent took together"),
                            ("in_ms", "milliseconds that the changes taken in took together"),
                            ("asked", "requests"),
                            ("throttled", "requests answered with: slow down"),
                            ("failed", "requests without an answer, or that failed there"),
                        ],
                        max_length=10,
                    ),
                ),
                ("bucket", models.PositiveSmallIntegerField(default=0)),
                ("count", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "what", "bucket"), name="sync_total_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="SyncCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=20)),
                ("quarter", models.DateTimeField()),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("out", "changes sent"),
                            ("in", "changes taken in"),
                            ("out_ms", "milliseconds that the changes sent took together"),
                            ("in_ms", "milliseconds that the changes taken in took together"),
                            ("asked", "requests"),
                            ("throttled", "requests answered with: slow down"),
                            ("failed", "requests without an answer, or that failed there"),
                        ],
                        max_length=10,
                    ),
                ),
                ("bucket", models.PositiveSmallIntegerField(default=0)),
                ("count", models.BigIntegerField()),
                (
                    "calendar",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="counts",
                        to="store.remotecalendar",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["quarter"], name="sync_count_quarter")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("calendar", "quarter", "what", "bucket"), name="sync_count_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(OWED + NOTICED, NO_TRIGGERS),
    ]
