import Foundation

/// What the system said (`errno`) of an error that Foundation wraps; EIO where it does not tell.
public func systemCode(of error: any Error) -> Int32 {
  let error = error as NSError
  if let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError { return systemCode(of: cause) }
  if error.domain == NSPOSIXErrorDomain { return Int32(error.code) }
  return error.code == CocoaError.fileWriteOutOfSpace.rawValue ? ENOSPC : EIO
}

/// What an error says to people: of the system's and Foundation's the reason, such as "No space left on device", instead of their
/// dump; of all others their description.
public func reason(of error: any Error) -> String {
  let system = error as NSError
  if let cause = system.userInfo[NSUnderlyingErrorKey] as? NSError { return reason(of: cause) }
  switch system.domain {
  case NSPOSIXErrorDomain: return String(cString: strerror(Int32(truncatingIfNeeded: system.code)))
  case NSCocoaErrorDomain:
    return cocoaCodes[system.code].map { String(cString: strerror($0)) } ?? system.localizedDescription
  default: return "\(error)"
  }
}

/// Runs `body`; of what it throws, other than of the store, says which file it was and what was to be done with it.
func doing<Result>(
  _ action: String, with path: String, _ body: () throws -> Result
) throws(StoreError) -> Result {
  do {
    return try body()
  } catch {
    throw error as? StoreError ?? .file(path: path, action: action, reason: reason(of: error))
  }
}

/// What the system said, where Foundation passes on only its own code.
private let cocoaCodes: [Int: Int32] = [
  CocoaError.fileNoSuchFile.rawValue: ENOENT, CocoaError.fileReadNoSuchFile.rawValue: ENOENT,
  CocoaError.fileReadNoPermission.rawValue: EACCES, CocoaError.fileWriteNoPermission.rawValue: EACCES,
  CocoaError.fileWriteFileExists.rawValue: EEXIST, CocoaError.fileWriteVolumeReadOnly.rawValue: EROFS,
  CocoaError.fileWriteOutOfSpace.rawValue: ENOSPC,
]
