"""Rules about the annotations userVolume, userVolumeMount and those of mtls-guard."""
