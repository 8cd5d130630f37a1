import Foundation

/// What the system said (`errno`) of an error that Foundation wraps; EIO where it does not tell.
public func systemCode(of error: any Error) -> Int32 {
  let error = error as NSError
  if let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError { return systemCode(of: cause) }
  if error.domain == NSPOSIXErrorDomain { return Int32(error.code) }
  return error.code == CocoaError.fileWriteOutOfSpace.rawValue ? ENOSPC : EIO
}
