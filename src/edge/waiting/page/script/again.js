// There is no place whose status could be asked for.
if (scene.poll) setTimeout(() => go(scene.to), Math.max(1000, scene.poll));
