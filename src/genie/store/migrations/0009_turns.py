from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0008_sign_in_attempts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Turn",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("whose", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["whose", "at"], name="turn_whose_at")],
            },
        ),
    ]
