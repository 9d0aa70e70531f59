from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0013_busy_time_ranges"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="busytime",
            name="busy_time_span",
        ),
        migrations.AddIndex(
            model_name="busytime",
            index=models.Index(
                fields=["calendar", "end", "start"], include=("kind", "id"), name="busy_time_span"
            ),
        ),
    ]
