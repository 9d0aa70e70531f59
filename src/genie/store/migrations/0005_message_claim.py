from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0004_queue_plans")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="claimed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="may_have_arrived",
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["appointment", "recipient"], name="message_told"),
        ),
    ]
