import Foundation

/// Temporary files and folders whose process was killed before it could remove them.
///
/// Whoever makes one holds a lock on it, which the system releases when the process ends in any way. So what is locked is in use,
/// also by a process in another container that has the same folder.
public enum AbandonedItems {
  /// Says that a file or folder is in use, as long as its descriptor is open.
  public static func hold(_ descriptor: Int32) { flock(descriptor, LOCK_EX | LOCK_NB) }

  /// Removes what nobody holds, belongs to this user, and is older than a minute: younger ones may be about to be held.
  ///
  /// - Parameter isTemporary: whether a name is one that this program gives to what is temporary, and nobody else would.
  /// - Complexity: O(names in the folder).
  public static func remove(in folder: URL, where isTemporary: (String) -> Bool) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names where isTemporary(name) {
      let item = folder.appendingPathComponent(name)
      let descriptor = open(item.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      defer { close(descriptor) }
      var status = stat()
      let changed = (try? FileManager.default.attributesOfItem(atPath: item.path))?[.modificationDate] as? Date
      guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(), let changed,
        changed.timeIntervalSinceNow < -60,
        flock(descriptor, LOCK_EX | LOCK_NB) == 0
      else { continue }
      try? FileManager.default.removeItem(at: item)
    }
  }
}
