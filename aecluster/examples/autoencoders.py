# %% [markdown]
# # What an autoencoder's latents know
# Autoencoders of small images, trained from several seeds at once, looked at, clustered, and used to undo a blur. The embedded
# digits need no download; `ae.load("mnist", PATH)` reads the real ones.

# %%
import dataclasses

import numpy as np

import aecluster as ae
from aecluster import clustering, deblurring

data = ae.load()
print(data)
recipe = ae.Recipe(small_steps=120).for_images(len(data.train.images))  # 420 steps for the study's numbers

# %% [markdown]
# Two seeds of an autoencoder with 16 numbers in the middle. Every number of the ensemble has the seeds first.

# %%
ensemble = ae.train(ae.Dense(16), data, recipe, seeds=(0, 1))
errors = np.abs(np.asarray(ensemble.reconstruct(data.test.images)) - data.test.images).mean(axis=(1, 2, 3))
print(f"test error {errors.mean():.4f} ± {errors.std(ddof=1):.4f}")

# %% [markdown]
# Clusters without labels, and how well they meet the classes that nobody told.

# %%
latents = np.asarray(ensemble.encode(data.test.images))[0]
clusters = clustering.k_means(10, seed=0).fit_predict(latents)
score = clustering.score(data.test.labels, clusters)
print(f"accuracy {score.accuracy:.3f}, normalised mutual information {score.nmi:.3f}")

# %% [markdown]
# A network that undoes a blur, beside what undid blurs before networks.

# %%
restorer = ae.train(ae.Restorer(), data, dataclasses.replace(recipe, degradation=ae.Blur(size=3)), seeds=(0,))
blurred = ae.corrupted(ae.Blur(size=3), data.test.images)
restored = np.asarray(restorer.reconstruct(blurred))[0]
classical = deblurring.RichardsonLucy(ae.Blur(size=3).kernel())(blurred)
for name, images in {"blurred": blurred, "Richardson-Lucy": classical, "restorer": restored}.items():
    print(f"{name}: mean absolute error {np.abs(np.asarray(images) - data.test.images).mean():.4f}")
