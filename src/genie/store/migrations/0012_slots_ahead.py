from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0011_holiday_parts_and_public_days"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["module", "end"], name="appointment_module_end"),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(
                condition=models.Q(("staff__isnull", False)),
                fields=["staff", "end"],
                name="appointment_staff_end",
            ),
        ),
        migrations.AddIndex(
            model_name="remoteobject",
            index=models.Index(fields=["calendar", "uid"], name="remote_object_uid"),
        ),
    ]
