@echo off
rem Starts the CLI with the Node 24 that the set-up recorded; see bin/berth.
setlocal
set "ROOT=%~dp0.."
set "RECORDED=%ROOT%\.toolchain\node-path"
set "BUILT=%ROOT%\.toolchain\cli-entry"
if not exist "%RECORDED%" goto setup
if not exist "%BUILT%" goto setup
set /p NODE24=<"%RECORDED%"
if exist "%NODE24%" goto run

:setup
rem Standard input and output belong to the command.
node "%ROOT%\tools\bootstrap.mjs" <nul 1>&2
if errorlevel 1 exit /b %errorlevel%
set /p NODE24=<"%RECORDED%"

:run
if not defined NODE_COMPILE_CACHE set "NODE_COMPILE_CACHE=%ROOT%\.toolchain\compile-cache"
"%NODE24%" --disable-warning=ExperimentalWarning "%ROOT%\tools\setup\run-cli.mjs" %*
exit /b %errorlevel%
