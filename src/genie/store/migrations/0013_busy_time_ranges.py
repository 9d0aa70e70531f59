import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0012_slots_ahead"),
    ]

    operations = [
        migrations.AlterField(
            model_name="busytime",
            name="calendar",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="busy_times",
                to="store.remotecalendar",
            ),
        ),
        migrations.AddIndex(
            model_name="busytime",
            index=models.Index(
                models.F("calendar"),
                django.db.models.expressions.CombinedExpression(models.F("end"), "-", models.F("start")),
                name="busy_time_length",
            ),
        ),
    ]
